"use strict";

const byId = (id) => document.getElementById(id);
const time = new Intl.DateTimeFormat("zh-CN", {
  dateStyle: "medium", timeStyle: "short", timeZone: "Asia/Shanghai",
});
const REFUSALS = {
  400: "请求不完整，请刷新页面后再试。",
  401: "需要有效的密钥：请填写以 sy_ 开头的密钥，并确认它没有过期或被收回。",
  403: "这个密钥没有这项权限，请换一个密钥。",
  404: "没有找到，可能已被删除，或不属于这个密钥的部门。",
  408: "网络太慢，请求没有及时送到，请再试一次。",
  413: "内容太长，请缩短后再试。",
  422: "内容无法受理：请写 1 至 10,000 字，其中要有汉字。",
  429: "请求太频繁，请一分钟后再试。",
  503: "服务正忙或模型尚未就绪，请稍后再试。",
};

function withKey(headers) {
  const key = byId("key").value.trim();
  return key ? { ...headers, Authorization: `Bearer ${key}` } : headers;
}

function refusal(status) {
  return REFUSALS[status] || `服务出了问题（状态码 ${status}），请稍后再试。`;
}

function tell(words) {
  byId("problem").textContent = words;
  byId("problem").hidden = false;
}

/* On this machine, until a first key exists, nothing has to be typed before something is shown. */
async function unlessKeyNeeded(show) {
  try {
    if ((await fetch("/reports")).ok) await show();
  } catch {
    tell("服务没有应答，请稍后再试。");
  }
}

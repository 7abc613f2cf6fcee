"use strict";

const STATES = { queued: "排队中", running: "生成中", done: "已完成", failed: "失败" };
let address = null;

async function fetched(path, options = {}) {
  byId("problem").hidden = true;
  try {
    const reply = await fetch(path, { ...options, headers: withKey(options.headers || {}) });
    if (reply.ok) return reply;
    tell(refusal(reply.status));
  } catch {
    tell("服务没有应答，请稍后再试。");
  }
  return null;
}

function cell(content) {
  const made = document.createElement("td");
  made.append(content);
  return made;
}

function opener(id) {
  const link = document.createElement("a");
  link.href = `#${id}`;
  link.textContent = "打开";
  return link;
}

function row(report) {
  const { title, start, end } = report.parameters;
  const state = STATES[report.state] || report.state;
  const line = document.createElement("tr");
  line.append(
    cell(time.format(new Date(report.created_at))),
    cell(title || "根因报告"),
    cell(start || end ? `${start || "最早"} 至 ${end || "最近"}` : "全部数据"),
    cell(report.reason ? `${state}：${report.reason}` : state),
    cell(report.state === "done" ? opener(report.id) : ""),
  );
  return line;
}

async function list() {
  const reply = await fetched("/reports");
  byId("list").hidden = reply === null;
  if (reply === null) return;
  const { items } = await reply.json();
  byId("reports").replaceChildren(...items.map(row));
  byId("none").hidden = items.length > 0;
}

async function open() {
  const id = location.hash.slice(1);
  if (!/^rep_[0-9a-f]{32}$/.test(id)) return;
  const reply = await fetched(`/reports/${id}.html`);
  byId("reader").hidden = reply === null;
  if (reply === null) return;
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(await reply.blob());
  byId("save").href = address;
  byId("page").src = address;
}

async function download(event) {
  event.preventDefault();
  const id = location.hash.slice(1);
  const format = event.target.dataset.format;
  const mark = format.includes(".") ? "/" : ".";
  const reply = await fetched(`/reports/${id}${mark}${format}`);
  if (reply === null) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await reply.blob());
  link.download = `report.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const pause = (seconds) => new Promise((done) => { setTimeout(done, seconds * 1000); });

async function order() {
  const asked = {};
  if (byId("period").value) asked.period = byId("period").value;
  if (byId("title").value.trim()) asked.title = byId("title").value.trim();
  const headers = { "Content-Type": "application/json" };
  const reply = await fetched("/reports", { method: "POST", headers, body: JSON.stringify(asked) });
  if (reply === null) return;
  const { id, job } = await reply.json();
  byId("working").textContent = "正在生成……";
  for (let state = "queued"; state === "queued" || state === "running";) {
    await pause(2);
    const found = await fetched(`/jobs/${job}`);
    if (found === null) break;
    ({ state } = await found.json());
  }
  byId("working").textContent = "";
  await list();
  location.hash = id;
}

async function submit(event) {
  event.preventDefault();
  await list();
  await open();
}

byId("form").addEventListener("submit", submit);
byId("order").addEventListener("click", order);
document.querySelectorAll("[data-format]").forEach((link) => link.addEventListener("click", download));
window.addEventListener("hashchange", open);
unlessKeyNeeded(async () => { await list(); await open(); });

"use strict";

const STATES = { queued: "排队中", running: "生成中", done: "已完成", failed: "失败" };
let address = null;

async function fetched(path) {
  byId("problem").hidden = true;
  try {
    const reply = await fetch(path, { headers: withKey({}) });
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

async function submit(event) {
  event.preventDefault();
  await list();
  await open();
}

byId("form").addEventListener("submit", submit);
window.addEventListener("hashchange", open);
if (location.hash) open();

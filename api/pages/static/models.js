"use strict";

const STATES = {
  training: "训练中", accepted: "通过门禁", refused: "被门禁拒绝", asked: "待确认上线",
  live: "现用", retired: "已退役", failed: "训练失败", cancelled: "已取消",
};
const WAYS = {
  start: "首次启动", activation: "启用", promotion: "上线", rollback: "回退", automatic: "自动回退",
};
const POLL_MS = 2000;
let name = null;

function cell(content) {
  const made = document.createElement("td");
  made.append(content ?? "–");
  return made;
}

function row(...contents) {
  const line = document.createElement("tr");
  line.append(...contents.map(cell));
  return line;
}

async function called(path, method = "GET", body = undefined) {
  byId("problem").hidden = true;
  try {
    const headers = withKey(body ? { "Content-Type": "application/json" } : {});
    const reply = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    if (reply.ok) return reply;
    tell(reply.status === 409 ? (await reply.json()).detail : refusal(reply.status));
  } catch {
    tell("服务没有应答，请稍后再试。");
  }
  return null;
}

async function read(path) {
  const reply = await called(path);
  return reply === null ? null : reply.json();
}

function button(words, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet-button";
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}

const place = (version) => `/models/${name}/candidates/${version}`;

async function change(path, body, method = "POST") {
  if (await called(path, method, body)) await list();
}

function asked(question) {
  const reason = window.prompt(question);
  return reason && reason.trim() ? { reason: reason.trim() } : null;
}

function actions(candidate) {
  const { version, state, shadowed } = candidate;
  const held = document.createElement("span");
  if (candidate.refusals.length || !["training", "failed", "cancelled"].includes(state)) {
    held.append(button("看比较", () => draw(version)));
  }
  if (state === "accepted" || state === "asked") {
    const words = shadowed ? "停止影子运行" : "影子运行";
    held.append(button(words, () => change(`${place(version)}/shadow`, { on: !shadowed })));
  }
  if (state === "accepted") {
    held.append(button("申请上线", () => {
      const body = asked("为什么要上线？");
      if (body) change(`${place(version)}/promotion`, body);
    }));
  }
  if (state === "asked") {
    held.append(button("确认上线", () => change(`${place(version)}/promotion/confirm`, {})));
  }
  return held;
}

async function draw(version) {
  const reply = await called(`${place(version)}/chart.svg`);
  if (reply === null) return;
  const image = document.createElement("img");
  image.alt = `候选 ${version} 与现用模型之差，附 95% 区间`;
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(await reply.text())}`;
  byId("chart").replaceChildren(image);
  byId("chart").hidden = false;
}

function opinion(candidate) {
  if (candidate.reason) return candidate.reason;
  if (candidate.state === "training" && candidate.total) {
    return `${candidate.done} / ${candidate.total}`;
  }
  return candidate.refusals.map((refusal) => refusal.zh).join("；") || "–";
}

function showCandidates(items) {
  byId("candidates").replaceChildren(...items.map((candidate) => row(
    candidate.version,
    (STATES[candidate.state] || candidate.state) + (candidate.shadowed ? "，影子运行中" : ""),
    opinion(candidate), candidate.by, actions(candidate),
  )));
  byId("no-candidates").hidden = items.length > 0;
}

function showHistory(items) {
  byId("history").replaceChildren(...items.map((live) => row(
    time.format(new Date(live.since)), live.version, WAYS[live.how] || live.how,
    live.asked_by, live.by, live.reason,
  )));
}

function showDrift(found) {
  byId("looked").textContent = found.at
    ? `${time.format(new Date(found.at))} 查看了 ${found.weeks} 周的 ${found.complaints} 件投诉。`
    : "还没有查看过；每周自动查看一次。";
  byId("alarms").replaceChildren(...found.alarms.map((alarm) => {
    const line = document.createElement("li");
    line.textContent = `${alarm.week} 起的一周：${alarm.zh}`;
    return line;
  }));
}

function showQueue(items) {
  byId("queue").replaceChildren(...items.map((item) => row(
    item.complaint, item.reasons.join("、"), item.category, item.tier, item.text.slice(0, 80),
  )));
  byId("no-queue").hidden = items.length > 0;
}

async function list() {
  const there = await read("/models");
  byId("all").hidden = there === null;
  if (there === null) return;
  name = there.items[0].name;
  byId("live").textContent = `${name} ${there.items[0].version || "无"}`;
  const history = await read(`/models/${name}/history`);
  if (history) showHistory(history.items);
  const candidates = await read(`/models/${name}/candidates`);
  if (candidates) showCandidates(candidates.items);
  const drift = await read("/drift");
  if (drift) showDrift(drift);
  const queue = await read("/labels/queue?limit=20");
  if (queue) showQueue(queue.items);
}

async function train() {
  const reply = await called(`/models/${name}/candidates`, "POST", { rare: "leave_out" });
  if (reply === null) return;
  const { job, version } = await reply.json();
  byId("train").disabled = true;
  let state = "queued";
  while (state === "queued" || state === "running") {
    const found = await read(`/jobs/${job}`);
    if (found === null) break;
    state = found.state;
    byId("working").textContent = `候选 ${version} 训练中：${found.done} / ${found.total || 100}`;
    await new Promise((done) => { setTimeout(done, POLL_MS); });
  }
  byId("working").textContent = "";
  byId("train").disabled = false;
  await list();
}

byId("form").addEventListener("submit", (event) => { event.preventDefault(); list(); });
byId("train").addEventListener("click", train);
byId("rollback").addEventListener("click", () => {
  const body = asked("为什么要回退？");
  if (body) change(`/models/${name}/rollback`, body);
});
unlessKeyNeeded(list);

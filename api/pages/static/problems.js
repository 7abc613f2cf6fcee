"use strict";

const COLUMNS = [
  ["待认领", ["open"]], ["分析中", ["owned"]], ["整改中", ["acting"]],
  ["观察中", ["watching"]], ["已了结", ["closed", "known", "accepted"]],
];
const STATES = {
  open: "待认领", owned: "分析中", acting: "整改中", watching: "观察中",
  closed: "已关闭", known: "已知", accepted: "接受", merged: "已合并",
  suggested: "建议", planned: "已批准", done: "已实施", dropped: "已放弃",
};
const EVENTS = {
  raised: "立项", assigned: "指定负责人", edited: "修改", "measure suggested": "提出措施",
  "measure edited": "修改措施", "measure approved": "批准措施", "measure carried out": "措施已实施",
  "measure dropped": "放弃措施", "moved on": "状态变更", "measuring asked": "要求测量效果",
  measured: "测得效果", closed: "关闭", known: "列为已知", accepted: "接受", merged: "并入",
  "took in": "并入其他问题", split: "拆分", reopened: "重开", due: "措施将到期",
  overdue: "措施已逾期", linked: "加入投诉", unlinked: "移出投诉",
};
const MOST = 1000;
let shown = null;

function made(name, words, className) {
  const element = document.createElement(name);
  if (words !== undefined && words !== null) element.textContent = words;
  if (className) element.className = className;
  return element;
}

async function fetched(path, options = {}) {
  byId("problem").hidden = true;
  try {
    const reply = await fetch(path, { ...options, headers: withKey({}) });
    if (reply.ok) return reply;
    const said = reply.status === 409 ? (await reply.json()).detail : refusal(reply.status);
    tell(said);
  } catch {
    tell("服务没有应答，请稍后再试。");
  }
  return null;
}

const places = (items) => items.map((item) => item.value).join("，") || "全部范围";
const calendar = new Intl.DateTimeFormat("zh-CN", { dateStyle: "medium", timeZone: "Asia/Shanghai" });
const date = (written) => calendar.format(new Date(written));
const day = (written) => time.format(new Date(written));

function card(item) {
  const link = made("a", null, "ticket");
  link.href = `#${item.id}`;
  link.dataset.severity = item.severity;
  const count = `${item.complaints.toLocaleString("zh-CN")} 件${item.counting ? "…" : ""}`;
  const where = places(item.places);
  link.append(
    made("strong", item.title),
    ...(item.title.includes(where) ? [] : [made("span", where, "where")]),
    made("span", `${count} · ${item.owner || "无负责人"}`, "hint"),
  );
  if (item.verdict && item.state !== "open") {
    const verdict = made("span", `效果 ${item.verdict}`, "mark verdict");
    verdict.dataset.verdict = item.verdict;
    link.append(verdict);
  }
  const marks = [item.severity === "严重" ? "严重" : "", item.reopened ? "重开" : ""];
  if (["known", "accepted"].includes(item.state)) marks.push(STATES[item.state]);
  link.append(...marks.filter(Boolean).map((mark) => made("span", mark, "mark")));
  return link;
}

function column([name, states], items) {
  const mine = items.filter((item) => states.includes(item.state));
  const lane = made("div", null, "lane");
  lane.append(made("h2", `${name} ${mine.length}`), ...mine.map(card));
  return lane;
}

async function list() {
  let items = [];
  let next = null;
  do {
    const reply = await fetched(`/problems?limit=200${next ? `&cursor=${next}` : ""}`);
    if (reply === null) return;
    const page = await reply.json();
    items = items.concat(page.items);
    next = page.next;
  } while (next && items.length < MOST);
  byId("detail").hidden = true;
  byId("board").hidden = items.length === 0;
  byId("none").hidden = items.length > 0;
  byId("board").replaceChildren(...COLUMNS.map((each) => column(each, items)));
}

function facts(problem) {
  const cost = problem.cost === null ? "–" : `${problem.cost.toLocaleString("zh-CN")} 元`;
  const count = problem.complaints.toLocaleString("zh-CN");
  const rows = [
    ["问题", `${problem.issue} ${problem.issue_name}`], ["范围", places(problem.places)],
    ["投诉", `${count} 件${problem.counting ? "（还在统计）" : ""}`],
    ["负责人", problem.owner || "待认领"], ["始于", problem.since || (problem.first_received ? date(problem.first_received) : "–")],
    ["处理与赔付", `${problem.spent.toLocaleString("zh-CN")} 元（这些投诉合计）`], ["估计成本", cost],
    ["围堵", problem.containment || "尚未填写"],
  ];
  if (problem.reason) rows.push(["了结理由", problem.reason]);
  if (problem.lesson) rows.push(["经验", problem.lesson]);
  return rows.flatMap(([name, value]) => [made("dt", name), made("dd", value)]);
}

function causes({ causes: told }) {
  const bones = Object.entries(told.fishbone || {}).filter(([, lines]) => lines.length);
  const lines = [
    ...(told.root ? [`根本原因：${told.root}`] : []),
    ...(told.whys || []).map((why, at) => `为什么 ${at + 1}：${why}`),
    ...(told.list || []),
    ...bones.map(([branch, each]) => `${branch}：${each.join("；")}`),
  ];
  if (!lines.length) return [];
  const items = made("ul");
  items.append(...lines.map((line) => made("li", line)));
  return [made("h3", "原因"), items];
}

function measureRow(measure) {
  const row = made("div", null, "measure");
  const state = measure.state === "planned" ? `${STATES.planned}，${measure.due_on} 到期` : STATES[measure.state];
  const done = measure.done_on ? `${measure.done_on} 实施` : state;
  row.append(made("strong", measure.title), made("span", `${measure.owner || "无负责人"} · ${done}`, "hint"));
  if (measure.effect) {
    const verdict = made("span", measure.effect.verdict, "verdict");
    verdict.dataset.verdict = measure.effect.verdict;
    const line = made("p");
    line.append(verdict, ` ${measure.effect.sentence}`);
    row.append(line);
    if (shown.measures.filter((each) => each.effect).length > 1) {
      const link = made("a", "看这项措施的图");
      link.href = `#${shown.id}/${measure.id}`;
      row.append(link);
    }
  }
  return row;
}

async function draw(problem, measure) {
  byId("chart").replaceChildren();
  if (!problem.measures.some((each) => each.effect)) return;
  const reply = await fetched(`/problems/${problem.id}/chart.svg${measure ? `?measure=${measure}` : ""}`);
  if (reply === null) return;
  const drawn = new DOMParser().parseFromString(await reply.text(), "image/svg+xml");
  byId("chart").replaceChildren(document.importNode(drawn.documentElement, true));
}

function event(each) {
  const detail = [each.detail.owner, each.detail.verdict, each.detail.reason].filter(Boolean);
  const words = EVENTS[each.kind] || each.kind;
  const line = made("li");
  line.append(made("span", day(each.at), "hint"), ` ${words}${detail.length ? `：${detail.join("，")}` : ""} `,
    made("span", each.by === "worker" ? "系统" : each.by, "hint"));
  return line;
}

async function open() {
  const [id, measure] = location.hash.slice(1).split("/");
  if (!/^prb_[0-9a-f]{24}$/.test(id)) {
    await list();
    return;
  }
  const reply = await fetched(`/problems/${id}`);
  if (reply === null) return;
  shown = await reply.json();
  byId("board").hidden = true;
  byId("detail").hidden = false;
  byId("title").textContent = shown.title;
  byId("tags").replaceChildren(...[STATES[shown.state], shown.severity, shown.reopened ? `重开 ${shown.reopened} 次` : ""]
    .filter(Boolean).map((mark) => made("span", mark, "mark")));
  byId("facts").replaceChildren(...facts(shown));
  byId("causes").replaceChildren(...causes(shown));
  const rows = shown.measures.map(measureRow);
  byId("measures").replaceChildren(...(rows.length ? rows : [made("p", "还没有措施。", "hint")]));
  byId("measure").hidden = !shown.measures.some((each) => each.state === "done");
  byId("events").replaceChildren(...shown.events.map(event).reverse());
  await draw(shown, measure);
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function measureNow() {
  const reply = await fetched(`/problems/${shown.id}/effects`, { method: "POST" });
  if (reply === null) return;
  const { job } = await reply.json();
  let state = "queued";
  while (state === "queued" || state === "running") {
    byId("working").textContent = "正在测量…";
    await pause(500);
    const found = await fetched(`/jobs/${job}`);
    if (found === null) break;
    ({ state } = await found.json());
  }
  byId("working").textContent = state === "failed" ? "测量没有成功，请稍后再试。" : "";
  await open();
}

async function paper(path, name) {
  const reply = await fetched(path);
  if (reply === null) return;
  const link = made("a");
  link.href = URL.createObjectURL(await reply.blob());
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

byId("form").addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  await open();
});
byId("measure").addEventListener("click", measureNow);
byId("paper").addEventListener("click", () => paper(`/problems/${shown.id}/8d.html`, `8d-${shown.id}.html`));
byId("print").addEventListener("click", () => paper("/improvement/sheet.html", "改进联席会.html"));
window.addEventListener("hashchange", open);
unlessKeyNeeded(open);

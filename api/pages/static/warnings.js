"use strict";

const STATES = { open: "待处理", acknowledged: "已知悉", muted: "已静音", merged: "已合并" };
const COLUMNS = {
  product: "产品", batch: "批次", region: "地区", outlet: "网点", channel: "渠道",
  department: "部门", courier: "快递", customer_value: "客户价值", team: "班组", handler: "处理人",
};
const KINDS = { volume: "投诉总量", escalation: "升级为纠纷、舆情或诉讼的投诉" };
let following = null;

async function called(path, body) {
  byId("problem").hidden = true;
  const options = { headers: withKey(body ? { "Content-Type": "application/json" } : {}) };
  if (body) Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  try {
    const reply = await fetch(path, options);
    if (reply.ok) return reply;
    tell(reply.status === 409 ? "这条预警已经合并，请刷新后处理另一条。"
      : reply.status === 422 ? "请填写理由，日期要从今天起。" : refusal(reply.status));
  } catch {
    tell("服务没有应答，请稍后再试。");
  }
  return null;
}

function made(kind, text, name) {
  const node = document.createElement(kind);
  if (text) node.textContent = text;
  if (name) node.className = name;
  return node;
}

const whole = (value) => Math.round(value).toLocaleString("zh-CN");
const place = (item) => item.name ? `“${item.name}”` : `${COLUMNS[item.attribute] || item.attribute} ${item.value}`;

function headline({ signature, kind, content }) {
  const issue = content.issue ? content.issue.name : KINDS[kind];
  if (signature === "一人多诉") return `一位客户的 ${content.count} 件投诉`;
  if (signature === "多人同诉") return `${place(content)}：${issue}`;
  return issue || "投诉";
}

function sentence({ signature, content, first_week: first }) {
  if (signature === "异动") {
    return `自 ${first} 起 ${whole(content.observed)} 件，按此前应有 ${whole(content.expected)} 件，`
      + `是 ${content.ratio.toFixed(1)} 倍${content.slow ? "（缓慢上升）" : ""}。`;
  }
  if (signature === "高频") {
    const share = content.share === null ? "" : `，占投诉 ${(content.share * 100).toFixed(1)}%`;
    return content.count === null ? "" : `一期里 ${whole(content.count)} 件${share}。`;
  }
  if (signature === "一人多诉") {
    return content.items.length ? `多为：${content.items.map(place).join("、")}。` : "";
  }
  return `${whole(content.people)} 人，按比例应有 ${content.expected.toFixed(1)} 人，`
    + `共 ${content.weeks.length} 周。`;
}

function marks(warning) {
  const line = made("p", "", "tags");
  line.append(made("span", warning.signature, "mark"), made("span", STATES[warning.state], "mark"));
  line.append(made("span", warning.active ? "仍在继续" : "已经过去", "mark"));
  if (warning.content.calls_emergency_plan && warning.active) {
    line.append(made("strong", "请启动应急预案", "alarm"));
  }
  return line;
}

function notes(warning) {
  const said = [];
  if (warning.acknowledged_at) {
    said.push(`${time.format(new Date(warning.acknowledged_at))} 由 ${warning.acknowledged_by} 知悉`);
  }
  if (warning.state === "muted") said.push(`静音至 ${warning.muted_until}（${warning.muted_by}）`);
  if (warning.note) said.push(warning.note);
  return made("p", said.join(" · "), "hint");
}

async function draw(warning, figure) {
  const reply = await called(`/warnings/${warning.id}/chart.svg`);
  if (reply === null) return;
  const parsed = new DOMParser().parseFromString(await reply.text(), "image/svg+xml");
  figure.replaceChildren(document.importNode(parsed.documentElement, true));
}

function field(kind, label, value) {
  const node = made("input");
  node.type = kind;
  node.value = value;
  node.setAttribute("aria-label", label);
  node.placeholder = label;
  return node;
}

function button(text, action) {
  const node = made("button", text, "quiet-button");
  node.type = "button";
  node.addEventListener("click", action);
  return node;
}

function inDays(days) {
  return new Date(Date.now() + days * 86400000).toISOString().slice(0, 10);
}

function actions(warning, card) {
  const line = made("div", "", "row");
  const reason = field("text", "说明或理由", "");
  const until = field("date", "静音至", inDays(28));
  const act = async (path, body) => {
    const reply = await called(`/warnings/${warning.id}/${path}`, body);
    if (reply !== null) card.replaceWith(shown(await reply.json()));
  };
  line.append(
    reason,
    button("知悉", () => act("acknowledge", { note: reason.value || null })),
    until,
    button("静音", () => act("mute", { until: until.value || null, reason: reason.value })),
  );
  if (warning.state === "muted") {
    line.append(button("取消静音", () => act("mute", { until: null, reason: reason.value || "取消静音" })));
  }
  return line;
}

function shown(warning) {
  const card = made("article", "", "panel warning");
  card.dataset.active = warning.active;
  card.append(marks(warning), made("h2", headline(warning), "headline"));
  card.append(made("p", sentence(warning)));
  const where = (warning.content.where || []).map((one) => `${place(one)}（${one.count} 件）`);
  if (where.length) card.append(made("p", `集中在：${where.join("、")}。`));
  if (warning.signature === "异动") {
    const figure = made("figure", "", "chart");
    card.append(figure);
    draw(warning, figure);
  }
  card.append(notes(warning));
  if (warning.report) {
    const link = made("a", "所在的报告");
    link.href = `/reports.html#${warning.report}`;
    card.append(link);
  }
  if (warning.state !== "merged") card.append(actions(warning, card));
  return card;
}

async function list(cursor) {
  const asked = new URLSearchParams({ limit: "20" });
  for (const name of ["state", "signature"]) {
    if (byId(name).value) asked.set(name, byId(name).value);
  }
  if (byId("active").checked) asked.set("active", "true");
  if (cursor) asked.set("cursor", cursor);
  const reply = await called(`/warnings?${asked}`);
  if (reply === null) return;
  const { items, next } = await reply.json();
  if (!cursor) byId("list").replaceChildren();
  byId("list").append(...items.map(shown));
  byId("none").hidden = byId("list").childElementCount > 0;
  following = next;
  byId("more").hidden = next === null;
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  list(null);
});
byId("more").addEventListener("click", () => list(following));
unlessKeyNeeded(() => list(null));

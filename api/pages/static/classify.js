"use strict";

const percent = (share) => `${Math.round(share * 100)} %`;
const TARGETS = { category: "类别", tier: "等级", sentiment: "情绪", issues: "问题" };

function items(list, lines) {
  list.replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  }));
}

function pairs(list, entries) {
  list.replaceChildren(...entries.filter(([, value]) => value).flatMap(([name, value]) => {
    const term = document.createElement("dt");
    const said = document.createElement("dd");
    term.textContent = name;
    said.textContent = time.format(new Date(value));
    return [term, said];
  }));
}

function marked(text, evidence) {
  const found = [...evidence].sort((a, b) => a.start - b.start);
  const points = Array.from(text);
  const parts = [];
  let at = 0;
  for (const { start, end, target } of found) {
    if (start < at) continue;
    parts.push(points.slice(at, start).join(""));
    const mark = document.createElement("mark");
    mark.textContent = points.slice(start, end).join("");
    mark.title = `影响${TARGETS[target] || `问题 ${target}`}的判断`;
    parts.push(mark);
    at = end;
  }
  parts.push(points.slice(at).join(""));
  byId("evidence").replaceChildren(...parts);
}

function show(text, said) {
  byId("tier").textContent = `${said.tier.label} ${percent(said.tier.confidence)}`;
  byId("tier").dataset.tier = said.tier.label;
  items(byId("reasons"), said.tier.reasons);
  byId("category").textContent =
    `${said.category.name} ${percent(said.category.confidence)}${said.abstained ? "（转人工）" : ""}`;
  items(byId("issues"), said.issues.map((i) => `${i.code} ${i.name} ${percent(i.confidence)}`));
  byId("because").textContent = said.abstained
    ? `转人工的原因：${(said.abstained_because || []).map((why) => TARGETS[why] || why).join("、")}`
    : "";
  byId("sentiment").textContent = `${said.sentiment.label} ${percent(said.sentiment.confidence)}`;
  byId("anger").value = said.sentiment.anger;
  byId("anxiety").value = said.sentiment.anxiety;
  byId("queue").textContent = [said.route.queue, said.route.lane, ...said.route.skills].join(" · ");
  pairs(byId("deadlines"), [
    ["首次联系", said.route.acknowledge_by],
    ["提出方案", said.route.plan_by],
    ["解决", said.route.resolve_by],
  ]);
  marked(text, said.evidence);
  byId("model").textContent = `${said.model.name} ${said.model.version}`;
  byId("decision").hidden = false;
}

function refuse(words) {
  tell(words);
  byId("decision").hidden = true;
}

async function classify(event) {
  event.preventDefault();
  byId("problem").hidden = true;
  const body = { text: byId("text").value };
  if (byId("value").value) body.customer_value = byId("value").value;
  const headers = withKey({ "Content-Type": "application/json" });
  try {
    const reply = await fetch("/classify", { method: "POST", headers, body: JSON.stringify(body) });
    const said = await reply.json();
    if (reply.ok) show(body.text, said);
    else refuse(refusal(reply.status));
  } catch {
    refuse("服务没有应答，请稍后再试。");
  }
}

byId("form").addEventListener("submit", classify);

"use strict";
const most = 100; // phones on one page
const list = document.getElementById("phones");
const faults = document.getElementById("faults");
let faultsEnd;

function tell(id, message) {
  const line = document.getElementById(id);
  line.hidden = !message;
  if (typeof message === "string") line.textContent = message;
}

async function call(method, path, body) {
  let problem = {};
  try {
    const answer = await fetch(path, {method, headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
    if (answer.ok) {
      tell("refused", "");
      return true;
    }
    problem = await answer.json();
  } catch { /* said below */ }
  tell("refused", "Not done: " + (problem.detail || "the simulator does not answer") + ".");
  refresh();
  return false;
}

function make(number) {
  const section = document.getElementById("phone").content.firstElementChild.cloneNode(true);
  const path = "/sim/phones/" + encodeURIComponent(number);
  const select = section.querySelector("select");
  const form = section.querySelector("form");
  section.dataset.number = number;
  section.setAttribute("aria-label", "Phone " + number);
  section.querySelector("bdi").textContent = number;
  section.querySelector(".texts").setAttribute("aria-label", "Texts of " + number);
  select.setAttribute("aria-label", "How " + number + " behaves");
  select.addEventListener("change", () => call("PUT", path, {behaviour: select.value}));
  form.body.setAttribute("aria-label", "Answer from " + number);
  section.id = number;
  section.querySelector(".call").setAttribute("aria-label", "Call on " + number);
  section.querySelector(".said").setAttribute("aria-label", "What is said to " + number);
  watchCall(section, path);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await call("POST", path + "/texts", {body: form.body.value})) form.reset();
  });
  return section;
}

function watchCall(section, path) {
  const panel = section.querySelector(".call");
  const act = (body) => call("POST", path + "/call", body);
  panel.querySelector(".answer").addEventListener("click", () => act({answer: true}));
  for (const end of panel.querySelectorAll(".decline, .hangup")) end.addEventListener("click", () => act({hangup: true}));
  for (const key of panel.querySelectorAll(".keypad button")) key.addEventListener("click", () => act({digits: key.value}));
  panel.addEventListener("keydown", (event) => {
    if (section.dataset.call !== "talking" || event.ctrlKey || event.metaKey || event.altKey || !/^[0-9*#]$/.test(event.key)) return;
    event.preventDefault();
    act({digits: event.key});
  });
}

function stateOf(phone) {
  const status = phone.call && phone.call.status;
  switch (status) {
    case null: return "";
    case "ringing": return ["no_answer", "voicemail"].includes(phone.behaviour) ? "alone" : "ringing";
    case "in-progress": return phone.call.picked_up_by === "person" ? "talking" : "machine";
    default: return "ended";
  }
}

function sayState(state, call) {
  const seconds = Math.ceil((new Date(call.ended_at) - new Date(call.answered_at)) / 1000);
  switch (state) {
    case "ringing": return "Incoming call from " + call.from + " via " + call.provider;
    case "alone": return "Rings, and nobody picks up";
    case "talking": return "In a call with " + call.from + " via " + call.provider;
    case "machine": return "A machine has answered";
    default: return "Last call: " + ({
      completed: (call.picked_up_by === "machine" ? "a machine listened for " : "ended after ") + seconds + " s",
      busy: "declined", "no-answer": "nobody answered", canceled: "canceled by the line",
    }[call.status] || call.status);
  }
}

function showCall(section, phone) {
  const panel = section.querySelector(".call");
  const said = panel.querySelector(".said");
  const pressed = panel.querySelector(".pressed");
  const state = stateOf(phone);
  const hadFocus = panel.contains(document.activeElement);
  panel.hidden = !state;
  section.dataset.call = state;
  if (!state) return;
  const words = sayState(state, phone.call);
  const line = panel.querySelector(".state");
  if (line.textContent !== words) line.textContent = words;
  if (said.dataset.sid !== phone.call.sid) {
    said.dataset.sid = phone.call.sid;
    said.replaceChildren();
  }
  phone.call.said.slice(said.children.length).forEach((text) => {
    const item = document.createElement("li");
    item.dir = "auto";
    item.textContent = text;
    said.append(item);
    said.scrollTop = said.scrollHeight;
  });
  pressed.hidden = state !== "talking" || !phone.call.pressed;
  pressed.textContent = phone.call.pressed;
  if (hadFocus && (document.activeElement === document.body || !document.activeElement.checkVisibility())) {
    (state === "talking" ? panel.querySelector(".keypad button") : section.querySelector("form input")).focus();
  }
}

// Who looks at another phone, or at another page, still learns that one rings.
function showRinging(phones) {
  const ringing = phones.filter((phone) => stateOf(phone) === "ringing").map((phone) => phone.number);
  const line = document.getElementById("ringing");
  document.title = document.title.replace(/^(\u260e )?/, ringing.length ? "\u260e " : "");
  if (line.dataset.ringing === ringing.join()) return;
  line.dataset.ringing = ringing.join();
  line.hidden = ringing.length === 0;
  line.replaceChildren(...ringing.map((number) => {
    const link = document.createElement("a");
    link.href = "#" + number;
    link.textContent = number + " rings";
    return link;
  }));
}

function bubble(text) {
  const item = document.createElement("li");
  const body = document.createElement("p");
  const note = document.createElement("small");
  const time = document.createElement("time");
  const status = document.createElement("span");
  item.dataset.sid = text.sid;
  item.className = text.direction === "inbound" ? "sent" : "got";
  body.dir = "auto";
  body.textContent = text.body;
  time.dateTime = text.at;
  time.textContent = new Date(text.at).toLocaleTimeString([], {timeStyle: "medium"});
  note.append(time, " · ", status, " · via " + text.provider);
  item.append(body, note);
  return item;
}

// Texts that stand already are left alone, so that a screen reader hears only what is new and a selection survives.
function showTexts(texts, shown) {
  const known = new Map([...texts.children].map((item) => [item.dataset.sid, item]));
  const wanted = new Set(shown.map((text) => text.sid));
  for (const [sid, item] of known) if (!wanted.has(sid)) item.remove();
  shown.forEach((text, i) => {
    const item = known.get(text.sid) || bubble(text);
    if (texts.children[i] !== item) texts.insertBefore(item, texts.children[i] || null);
    const status = item.querySelector("span");
    const words = text.direction === "inbound"
      ? {receiving: "on its way", received: "taken", failed: "not taken by anyone"}[text.status] || text.status
      : text.status;
    if (status.textContent !== words) status.textContent = words;
    item.classList.toggle("failed", text.status === "failed");
  });
}

function show(phones, total) {
  tell("empty", total === 0);
  tell("more", total > phones.length ? "The first " + phones.length + " of " + total + " phones are shown." : "");
  const standing = new Map([...list.children].map((section) => [section.dataset.number, section]));
  phones.sort((a, b) => a.number < b.number ? -1 : 1);
  phones.forEach((phone, i) => {
    const section = standing.get(phone.number) || make(phone.number);
    standing.delete(phone.number);
    if (list.children[i] !== section) list.insertBefore(section, list.children[i] || null);
    const select = section.querySelector("select");
    if (document.activeElement !== select) select.value = phone.behaviour;
    section.dataset.behaviour = phone.behaviour;
    showCall(section, phone);
    showTexts(section.querySelector(".texts ol"), phone.texts);
    const lost = section.querySelector(".lost");
    lost.hidden = phone.lost === 0;
    lost.textContent = phone.lost === 1 ? "1 text never arrived." : phone.lost + " texts never arrived.";
  });
  for (const section of standing.values()) section.remove();
  showRinging(phones);
}

// There is a choice for each provider. The first stands in the document; those of others are its likeness.
function choiceOf(provider, i, several) {
  let label = faults.children[i];
  if (!label) {
    label = faults.children[0].cloneNode(true);
    faults.append(label);
  }
  if (label.dataset.provider === provider) return label;
  const select = label.querySelector("select");
  label.dataset.provider = provider;
  if (several) label.querySelector("span").textContent = "Provider " + provider;
  select.onchange = () => call("PUT", "/sim/faults", {provider, mode: select.value});
  return label;
}

function showFaults(states) {
  const ends = [];
  Object.entries(states).forEach(([provider, state], i, all) => {
    const label = choiceOf(provider, i, all.length > 1);
    const select = label.querySelector("select");
    if (document.activeElement !== select) select.value = state.mode;
    label.classList.toggle("failing", state.mode !== "none");
    if (state.until) ends.push(new Date(state.until));
  });
  clearTimeout(faultsEnd);
  if (ends.length) faultsEnd = setTimeout(refresh, Math.max(0, Math.min(...ends) - Date.now()) + 250);
}

let asking = false, again = false;

async function refresh() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  try {
    const [phones, failing] = await Promise.all([fetch("/sim/phones?limit=" + most), fetch("/sim/faults")]);
    const [all, {providers}] = await Promise.all([phones.json(), failing.json()]);
    showFaults(providers);
    show(all, Number(phones.headers.get("X-Total-Count")));
    tell("offline", false);
  } catch {
    tell("offline", true);
  }
  asking = false;
  if (again) {
    again = false;
    refresh();
  }
}

for (const name of ["focusout", "change"]) document.addEventListener(name, () => setTimeout(refresh));
const events = new EventSource("/sim/events");
events.addEventListener("changed", refresh);
events.addEventListener("error", () => tell("offline", true));
refresh();

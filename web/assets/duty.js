// The pages work without this file. With it the clocks run and the status refreshes itself; nothing that holds case content is fetched.
"use strict";
(() => {
  const skew = new WeakMap();
  const pad = (n) => String(n).padStart(2, "0");
  function text(seconds) {
    const s = Math.abs(seconds);
    const days = Math.floor(s / 86400);
    const rest = `${pad(Math.floor(s / 3600) % 24)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
    return days > 0 ? `${days}d ${rest}` : rest;
  }
  function tick() {
    for (const node of document.querySelectorAll("[data-until]")) {
      if (!skew.has(node)) skew.set(node, Number(node.dataset.now) - Date.now());
      const left = Math.floor((Number(node.dataset.until) - Date.now() - skew.get(node)) / 1000);
      node.textContent = text(left);
      const clock = node.closest(".clock, .left");
      if (left < 0 && clock && !clock.classList.contains("over")) {
        clock.classList.add("over");
        const label = clock.querySelector(".clock-label");
        if (label) label.textContent = node.dataset.over;
      }
    }
  }
  const live = document.getElementById("live");
  const say = document.getElementById("say");
  const state = () => live.querySelector("h1.ref") ? live.querySelector(".state").textContent : "";
  const address = (node) => node.getAttribute("href") || node.closest("form")?.getAttribute("action") || "";
  // Running clocks are no news.
  const news = (html) => html.replace(/data-now="\d+"[^>]*>[^<]*/g, "");
  let shown = live ? news(live.innerHTML) : "";
  async function refresh() {
    if (document.hidden || live.querySelector("details[open]")) return; // somebody is writing a reason
    try {
      const answer = await fetch(live.dataset.refresh, { credentials: "same-origin", redirect: "manual" });
      if (answer.type === "opaqueredirect") return location.reload(); // signed out
      if (!answer.ok) return;
      const html = await answer.text();
      if (live.querySelector("details[open]") || shown === news(html)) return;
      shown = news(html);
      const focused = live.contains(document.activeElement) ? address(document.activeElement) : "";
      const before = state();
      live.innerHTML = html;
      if (focused) [...live.querySelectorAll("a, button")].find((node) => address(node) === focused)?.focus();
      if (state() !== before) say.textContent = state();
      tick();
    } catch { /* the network is away; the next turn tries again */ }
  }
  tick();
  setInterval(tick, 1000);
  if (live) {
    setInterval(refresh, 5000);
    document.addEventListener("visibilitychange", refresh);
  }
})();

// The proxy's page: asks what goes on every two seconds, and what was used every half minute.
"use strict";

(() => {
  const LOOK_MS = 2000, USAGE_MS = 30000;
  const at = (name) => document.getElementById(name);
  const shown = new Map();
  let series = null, looking = false;

  async function ask(path) {
    const answer = await fetch(path, { headers: { accept: "application/json" } });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error ? told.error.message : `the proxy answered ${answer.status}`);
    return told;
  }

  // Replaces a part only if it has changed, so that focus and selections stay.
  function put(name, data, make) {
    const text = JSON.stringify(data);
    if (shown.get(name) === text) return;
    shown.set(name, text);
    const place = at(name), scrolled = place.querySelector(".scroll")?.scrollLeft || 0;
    const focused = place.contains(document.activeElement);
    place.replaceChildren(...make(data));
    const scroll = place.querySelector(".scroll");
    if (scroll) { scroll.scrollLeft = scrolled; if (focused) scroll.focus(); }
  }

  const milliseconds = (value) => value === null ? "-"
    : value < 999.5 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
  const rate = (value) => value ? value.toFixed(1) : "-";
  const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString();

  function span(seconds) {
    for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
      if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${unit}`;
    }
    return `${Math.round(seconds)} s`;
  }

  function quota(windows) {
    const made = parts.element("span");
    for (const one of windows) {
      const line = made.appendChild(parts.element("div"));
      if (one.limit) {
        const meter = line.appendChild(parts.element("meter"));
        Object.assign(meter, { max: one.limit, high: 0.8 * one.limit, optimum: 0, value: one.used });
        meter.setAttribute("aria-label", `${one.window}: ${one.used} of ${one.limit} used`);
      }
      line.append(` ${one.window}: ${one.remaining}${one.limit ? "/" + one.limit : ""} left`);
    }
    return made;
  }

  function state(row) {
    const made = parts.element("span");
    const text = row.cooldown_s === null ? row.state : `${row.state} ${span(row.cooldown_s)}`;
    made.append(parts.element("span", text, row.state));
    const why = row.skipped ? `${row.skipped.kind}: ${row.skipped.message}` : row.last_error || "";
    if (why) made.append(parts.element("small", why));
    return made;
  }

  function links(rows) {
    const columns = [["link", ""], ["state", "words"], ["quota", ""], ["calls/s", "number"], ["tokens/s", "number"],
      ["p50", "number"], ["p95", "number"], ["first", "number"], ["in flight", "number"], ["failed", "number"], ["aliases", "words"]];
    return [parts.table("Links, of the last minute", columns, rows.map((row) => [
      row.link, state(row), quota(row.windows), rate(row.rates["10s"].calls_per_s), rate(row.rates["10s"].tokens_per_s),
      milliseconds(row.latency_ms.p50), milliseconds(row.latency_ms.p95), milliseconds(row.first_content_ms.p50),
      String(row.in_flight || "-"), String(row.failed || "-"), row.aliases.join(", "),
    ]))];
  }

  function budgets(rows) {
    if (!rows.length) return [];
    return [parts.table("Budgets", [["budget", ""], ["spent", "number"], ["of", "number"], ["", ""], ["until", ""]], rows.map((row) => {
      const meter = parts.element("meter");
      Object.assign(meter, { max: row.limit_usd || 1, high: 0.8 * row.limit_usd, optimum: 0, value: row.spent_usd + row.reserved_usd });
      const whose = row.scope === "all" ? "" : ` of ${row.scope} ${row.name}`;
      return [`by ${row.period}${whose}`, row.spent_usd === null ? "?" : parts.money(row.spent_usd), parts.money(row.limit_usd), meter, new Date(row.resets_at * 1000).toLocaleString()];
    }))];
  }

  function failovers(rows) {
    return [parts.table("Latest failovers", [["time", ""], ["alias", ""], ["did not answer", "words"], ["who did", ""], ["request", ""]],
      rows.map((row) => [
        clock(row.at), row.alias, row.failed.map((one) => `${one.link}: ${one.label}`).join(", "),
        row.served_by || `${row.end} ${row.status || ""}`, row.request_id,
      ]), "none since the proxy was started")];
  }

  function tiles(told) {
    const today = told.today || {};
    return [
      ["in flight", String(told.in_flight)],
      ["calls/s", rate(told.links.reduce((sum, row) => sum + row.rates["10s"].calls_per_s, 0))],
      ["tokens/s", rate(told.links.reduce((sum, row) => sum + row.rates["10s"].tokens_per_s, 0))],
      ["today", "cost_usd" in today ? parts.money(today.cost_usd, today.unpriced) : "not known"],
      ["requests today", "requests" in today ? parts.count(today.requests) : "-"],
      ["saved by free links", "saved_usd" in today ? parts.money(today.saved_usd) : "-"],
    ];
  }

  async function look() {
    setTimeout(look, LOOK_MS);
    if (document.hidden || looking) return;
    looking = true;
    try {
      const told = await ask("live");
      at("state").textContent = `${told.state}, engine ${told.engine.state}, callers: ${told.auth}, ${clock(told.as_of)}`;
      at("away").textContent = "";
      at("state").className = told.state === "running" ? "" : "notice";
      parts.tiles(at("now"), tiles(told));
      put("warnings", told.warnings, (all) => all.map((text) => parts.element("li", text)));
      put("links", told.links, links);
      put("budgets", told.budgets, budgets);
      put("failovers", told.failovers, failovers);
    } catch (error) {
      at("away").textContent = `The proxy does not answer (${error.message}); this asks again.`;
    }
    looking = false;
  }

  function draw() {
    if (series) parts.charts(series, { cost: at("cost"), tokens: at("tokens"), failovers: at("fell") });
  }

  async function usage() {
    const by = at("by").value;
    try {
      const told = await ask(`usage?since=${encodeURIComponent(at("since").value)}&by=${encodeURIComponent(by)}`);
      at("trouble").textContent = "";
      series = told.series;
      put("usage", told, () => [parts.usageTable(`Used, by ${by}`, told, by === "model" || by === "provider")]);
      draw();
    } catch (error) {
      at("trouble").textContent = error.message;
    }
  }

  for (const name of ["since", "by"]) at(name).addEventListener("change", usage);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  look();
  usage();
  setInterval(() => { if (!document.hidden) usage(); }, USAGE_MS);
})();

// A report: everything it shows stands in the page.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (name) => document.getElementById(name);
  const day = (seconds) => new Date(seconds * 1000).toLocaleString();

  function draw() {
    parts.charts(data.series, { cost: at("cost"), tokens: at("tokens"), failovers: at("failovers") });
  }

  const total = data.total;
  at("span").textContent = `${data.since === null ? "from the first use" : "from " + day(data.since)} until ${day(data.until)}`;
  parts.tiles(at("total"), [
    ["cost", parts.money(total.cost_usd, total.unpriced)],
    ["saved by free links", parts.money(total.saved_usd, 0)],
    ["requests", parts.count(total.requests)],
    ["fell back", parts.count(total.fell_back)],
    ["failed", parts.count(total.failed)],
    ["input tokens", parts.count(total.input_tokens)],
    ["output tokens", parts.count(total.output_tokens)],
    ["calls without a price", parts.count(total.unpriced)],
  ]);
  const ofCalls = ["model", "class"];
  at("tables").append(...data.reports.map((report) =>
    parts.usageTable(`By ${report.by}`, report, ofCalls.includes(report.by))));
  at("errors").append(parts.table("What failed, and who answered instead", [
    ["alias", ""], ["link", ""], ["failed with", ""], ["status", "number"], ["calls", "number"], ["then", "words"], ["latest", ""],
  ], data.errors.map((row) => [
    row.alias, row.deployment, row.kind, row.status === null ? "-" : String(row.status), parts.count(row.count),
    row.served_by ? `${row.outcome === "answered" ? "answered by" : `${row.outcome} at`} ${row.served_by}` : row.outcome, day(row.last_at),
  ]), "nothing failed in that time"));
  at("foot").textContent = `Made ${day(data.until)} by agentbox ${data.version}. Calls without a price are in no sum of dollars.`;
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();

// Tables and charts, the same in the proxy's page and in reports. All text is other people's: it
// becomes text nodes, and is escaped where Plotly would read tags in it.
"use strict";

const parts = (() => {
  const COLOURS = ["#3b82c4", "#e08a1e", "#2f9e6e", "#c0527f", "#7a6bd1", "#8a8f98", "#b3a125", "#4bb3c9"];

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function money(dollars, unpriced) {
    if (unpriced && !dollars) return "?";
    const small = dollars > 0 && dollars < 1;
    const text = small && dollars < 0.00005 ? "<$0.0001" : "$" + dollars.toLocaleString("en-US", {
      minimumFractionDigits: small ? 4 : 2, maximumFractionDigits: small ? 4 : 2,
    });
    return unpriced ? text + " + ?" : text;
  }

  function count(number) {
    return number.toLocaleString("en-US");
  }

  // Tokens go into the millions; the whole number is there for whoever points at it.
  function short(number) {
    const shown = element("span", number < 10000 ? count(number)
      : number.toLocaleString("en-US", { notation: "compact", maximumFractionDigits: 1 }));
    shown.title = count(number);
    return shown;
  }

  // columns: [title, "number", "words" or ""]; each row: cells, which are texts, [text, class] or elements.
  function table(caption, columns, rows, empty) {
    const scroll = element("div", undefined, "scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", caption);
    const made = scroll.appendChild(element("table"));
    made.append(element("caption", caption));
    const head = made.appendChild(element("thead")).appendChild(element("tr"));
    for (const [title, kind] of columns) {
      const cell = element("th", title, kind);
      cell.scope = "col";
      head.append(cell);
    }
    const body = made.appendChild(element("tbody"));
    for (const row of rows) body.append(line(columns, row));
    if (!rows.length) {
      const cell = body.appendChild(element("tr")).appendChild(element("td", empty || "nothing yet"));
      cell.colSpan = columns.length;
    }
    return scroll;
  }

  function line(columns, row) {
    const made = element("tr");
    row.forEach((cell, place) => {
      const shown = element(place ? "td" : "th", undefined, columns[place][1]);
      if (!place) shown.scope = "row";
      // Small screens show each row as a block, where every value needs its title.
      else shown.dataset.title = columns[place][0];
      if (cell === "" || cell === "-") shown.classList.add("none");
      if (cell instanceof Node) { shown.append(cell); if (!cell.hasChildNodes() && !cell.max) shown.classList.add("none"); }
      else if (Array.isArray(cell)) { shown.textContent = cell[0]; shown.classList.add(cell[1]); }
      else shown.textContent = cell;
      made.append(shown);
    });
    return made;
  }

  function usageTable(caption, report, calls) {
    const columns = [[report.by, ""], [calls ? "calls" : "requests", "number"], ["failed", "number"],
      ["fell back", "number"], ["input", "number"], ["cached", "number"], ["output", "number"], ["cost", "number"]];
    return table(caption, columns, report.rows.map((row) => [
      row.key, count(row.requests), count(row.failed), count(row.fell_back), short(row.input_tokens),
      short(row.cached_tokens), short(row.output_tokens), money(row.cost_usd, row.unpriced),
    ]), "nothing was used in that time");
  }

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function escaped(text) {
    return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  function layout(prefix) {
    const axis = { gridcolor: colour("--line"), linecolor: colour("--line"), automargin: true, fixedrange: true };
    return {
      barmode: "stack", bargap: 0.15, showlegend: true,
      margin: { l: 45, r: 10, t: 5, b: 30 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, DejaVu Sans, sans-serif", size: 12, color: colour("--ink") },
      legend: { orientation: "h", y: -0.2, x: 0 },
      xaxis: { ...axis, type: "date" },
      yaxis: { ...axis, rangemode: "tozero", tickprefix: prefix },
    };
  }

  // stacks: [[name, values], ...], one bar for each label.
  function bars(place, labels, stacks, prefix) {
    const traces = stacks.map(([name, values], index) => ({
      type: "bar", x: labels, y: values, name: escaped(name),
      marker: { color: COLOURS[index % COLOURS.length] },
      hovertemplate: (prefix ? "$%{y:.4f}" : "%{y:,}") + "<extra>%{fullData.name}</extra>",
    }));
    return Plotly.react(place, traces, layout(prefix), { responsive: true, displayModeBar: false });
  }

  // The parts with the most tokens, and all others as one; every chart has them in one order, so
  // that a colour means the same in each.
  function stacksOf(series, what) {
    const sum = (values) => values.reduce((total, value) => total + value, 0);
    const known = Object.entries(series.parts).map(([name, part]) => [name, part[what]]);
    const tokens = new Map(known.map(([name]) => [name, sum(series.parts[name].tokens)]));
    known.sort((one, other) => tokens.get(other[0]) - tokens.get(one[0]));
    const shown = known.slice(0, COLOURS.length - 1);
    const rest = known.slice(shown.length);
    if (rest.length) {
      shown.push([`${rest.length} others`, series.labels.map((_, at) => sum(rest.map(([, values]) => values[at])))]);
    }
    return shown;
  }

  function charts(series, places) {
    bars(places.cost, series.labels, stacksOf(series, "cost_usd"), "$");
    bars(places.tokens, series.labels, stacksOf(series, "tokens"), "");
    bars(places.failovers, series.labels, [
      ["fell back", series.rows.map((row) => row.fell_back)],
      ["failed", series.rows.map((row) => row.failed)],
    ], "");
  }

  function tiles(place, pairs) {
    place.replaceChildren(...pairs.map(([name, value]) => {
      const tile = element("div");
      tile.append(element("dt", name), element("dd", value));
      return tile;
    }));
  }

  return { element, money, count, table, usageTable, charts, tiles };
})();

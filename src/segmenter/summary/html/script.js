// Choices over the margins of the page, and the charts and tables that follow them. Nothing is asked for or kept anywhere.
// Texts enter the page as textContent or as data of a chart, never as markup.
"use strict";
(() => {
  const margins = JSON.parse(document.getElementById("margins").textContent);
  const specifications = JSON.parse(document.getElementById("charts").textContent);
  const { audiences, periods, events } = margins;
  const whole = margins.all[0];
  const SOURCES_DRAWN = 15, LANGUAGES_DRAWN = 12, PRINT_WIDTH = 680, PRINT_PANEL = 320, LEAST_ESTIMABLE_WIDTH = 200;
  const one = (selector, within = document) => within.querySelector(selector);
  const every = (selector, within = document) => [...within.querySelectorAll(selector)];
  const choices = Object.fromEntries(every("[data-choice]").map((select) => [select.dataset.choice, select]));
  const count = (n) => n.toLocaleString("en-GB");
  const number = (share) => (share >= 0.001 || share === 0 ? (100 * share).toFixed(1) : String(+(100 * share).toPrecision(2)));
  const percent = (share) => number(share) + " %";
  const part = (n, of) => (of ? n / of : 0);
  const range = (low, high) => number(low) + " to " + number(high) + " %";

  function element(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  // What is chosen: the value of the one dimension that margins are counted by, an audience, a period.
  function state() {
    const language = choices.language.value, source = choices.source.value;
    const value = language !== "" ? margins.language[+language] : source !== "" ? margins.source[+source] : whole;
    return {
      value,
      language: language === "" ? null : margins.language[+language],
      audience: choices.audience.value === "" ? null : +choices.audience.value,
      period: choices.period.value === "" ? null : +choices.period.value,
      asShare: choices.mode.value === "share",
    };
  }

  // One audience in a value, in one period or the whole time; `n` is null where the page has no timeline of the value.
  function cellOf(value, place, period) {
    if (period === null) {
      const [chosen, share] = value.cells[place];
      const found = { n: value.n, chosen, value: null, low: null, high: null, boundLow: null, boundHigh: null };
      if (share) [found.value, found.low, found.high, found.boundLow, found.boundHigh] = share;
      return found;
    }
    if (!value.time) return { n: null, chosen: null, value: null, low: null, high: null, boundLow: null, boundHigh: null };
    const [chosen, shares, low, high] = value.time.cells[place];
    const ends = { value: shares[period], low: low[period], high: high[period], boundLow: null, boundHigh: null };
    return { n: value.time.n[period], chosen: chosen[period], ...ends };
  }

  const estimate = (cell) => (cell.value === null ? "not estimable" : percent(cell.value) + ", " + range(cell.low, cell.high));

  function dot(row, label, cell, audience) {
    const figure = cell.n === null ? "not on this page" : cell.value !== null
      ? percent(cell.value) + "  (" + range(cell.low, cell.high) + ")" : count(cell.chosen) + " of " + count(cell.n) + ", a count";
    return {
      row, label, figure, fill: audience.fill, shape: audience.shape, value: cell.value, low: cell.low, high: cell.high,
      bound_low: cell.boundLow, bound_high: cell.boundHigh, plain: cell.n ? part(cell.chosen, cell.n) : null,
      estimate: estimate(cell), chosen: cell.n === null ? "–" : count(cell.chosen), messages: cell.n === null ? "–" : count(cell.n),
    };
  }

  function reachOf(rows) {
    const most = Math.max(0.01, ...rows.flatMap((row) => [row.value, row.high, row.plain].filter((end) => end !== null)));
    return Math.min(1, most * 1.06);
  }

  // Charts: one view each, made once, then given rows and signals.
  const views = new Map();
  const options = { mode: "vega", renderer: "svg", actions: false, ast: true, hover: false, defaultStyle: false, logLevel: 1, tooltip: { disableDefaultStyle: true } };
  async function viewOf(figure, name) {
    if (!views.has(figure)) {
      const place = one(".draw", figure), label = place.getAttribute("aria-label");
      const made = await vegaEmbed(place, structuredClone(specifications[name]), options);
      one(".vega-bindings", figure).remove();
      one("svg", figure).setAttribute("aria-hidden", "true");
      place.removeAttribute("aria-roledescription");
      place.removeAttribute("style");
      place.setAttribute("role", "img");  // one picture with a label; its figures are in the table
      place.setAttribute("aria-label", label);
      views.set(figure, made.view);
    }
    return views.get(figure);
  }
  const beside = { dots: 4, time: 52 };
  function widthOf(figure, name, printed) {
    const wide = printed ? (name === "time" || figure.classList.contains("wide") ? PRINT_WIDTH : PRINT_PANEL) : one(".draw", figure).clientWidth;
    return Math.max(LEAST_ESTIMABLE_WIDTH, wide - beside[name] - 8);
  }
  async function draw(figure, name, rows, signals, label) {
    const view = await viewOf(figure, name);
    view.data("rows", rows);
    if (name === "time") view.data("events", events.map((event) => ({ ...event })));
    for (const [signal, value] of Object.entries(signals)) view.signal(signal, value);
    view.width(widthOf(figure, name, false));
    await view.runAsync();
    one(".draw", figure).setAttribute("aria-label", label);
    figure.dataset.drawn = rows.length;
  }

  function fitted(label, figure) {
    const room = Math.max(10, Math.floor((widthOf(figure, "dots", false) - 190) / 6.6));
    return label.length > room ? label.slice(0, room - 1) + "…" : label;
  }

  function drawDots(figure, labelled, reach, title) {
    const rows = labelled.map(([label, cell, audience], row) => dot(row, fitted(label, figure), cell, audience));
    const said = labelled.slice(0, 8).map(([label, cell]) => label + " " + (cell.value === null ? "no estimate" : estimate(cell))).join("; ");
    return draw(figure, "dots", rows, { top: reach, ticks: figure.clientWidth < 420 ? 3 : 5 }, title + ": " + said + ". The table below has the figures.");
  }

  const shownAudiences = (now) => audiences.map((_, place) => place).filter((place) => now.audience === null || place === now.audience);

  async function drawChosen(now) {
    const figure = one('[data-chart="chosen"]');
    const isPart = now.value !== whole || now.period !== null;
    one("#chosen").hidden = !isPart;
    if (!isPart) return;
    const cells = shownAudiences(now).map((place) => [audiences[place].name, cellOf(now.value, place, now.period), audiences[place]]);
    const reach = reachOf(cells.map(([label, cell, audience]) => dot(0, label, cell, audience)));
    await drawDots(figure, cells, reach, "Shares and counts of the part chosen");
    fill("chosen", ["Audience", "Messages", "Chosen, a count", "of messages", "Estimated share", "95 % interval", "Bounds over all messages"],
      cells.map(([label, cell]) => [label, ...figures(cell)]));
  }

  function figures(cell) {
    if (cell.n === null) return ["–", "–", "–", "not on this page", "–", "–"];
    const shares = cell.value === null ? ["not estimable", "–"] : [percent(cell.value), range(cell.low, cell.high)];
    const bounds = cell.boundLow === null ? "–" : range(cell.boundLow, cell.boundHigh);
    return [count(cell.n), count(cell.chosen), percent(part(cell.chosen, cell.n)), ...shares, bounds];
  }

  async function drawDimension(name, most, now) {
    const panels = every(`[data-chart="${name}"]`);
    if (!panels.length) return;
    const values = margins[name];
    const drawn = values.filter((value, place) => value.kind !== "one" || place < most);
    const n_more = values.length - drawn.length;
    one(`[data-more="${name}"]`).textContent = n_more ? `The ${most} largest are drawn; the table has ${n_more} more.` : "";
    const cells = audiences.map((_, place) => drawn.map((value) => cellOf(value, place, now.period)));
    const reach = reachOf(cells.flatMap((row, place) => row.map((cell) => dot(0, "", cell, audiences[place]))));
    await Promise.all(panels.map((figure) => {
      const place = +figure.dataset.audience;
      const labelled = drawn.map((value, row) => [value.name, cells[place][row], audiences[place]]);
      return drawDots(figure, labelled, reach, audiences[place].name + " by " + name);
    }));
    const rows = values.flatMap((value) => shownAudiences(now).map((place) => [value.name, audiences[place].name, ...figures(cellOf(value, place, now.period))]));
    fill(name, [name[0].toUpperCase() + name.slice(1), "Audience", "Messages", "Chosen, a count", "of messages", "Estimated share", "95 % interval", "Bounds over all messages"], rows, 2);
  }

  const ends = periods.starts.map((_, place) => (place + 1 < periods.starts.length ? periods.starts[place + 1] : periods.end));
  function span(place) {
    const start = periods.starts[place], end = ends[place], gap = (end - start) * 0.08;
    return { start, end, mid: (start + end) / 2, bar_start: start + gap, bar_end: end - gap, period: periods.labels[place] };
  }

  async function drawTime(now) {
    const panels = every('[data-chart="time"]');
    if (!panels.length) return;
    const time = now.value.time;
    const n_periods = time ? periods.starts.length : 0;
    const empty = { bar: null, value: null, low: null, high: null, plain: null, estimate: "–", chosen: "–" };
    const rowsOf = (place) => Array.from({ length: n_periods }, (_, period) => {
      const row = { ...span(period), ...empty, messages: count(time.n[period]) };
      if (place === null) return { ...row, bar: time.n[period] };
      const cell = cellOf(now.value, place, period);
      row.chosen = count(cell.chosen);
      row.estimate = estimate(cell);
      if (!now.asShare) return { ...row, bar: cell.chosen };
      return { ...row, value: cell.value, low: cell.low, high: cell.high, plain: cell.n ? cell.chosen / cell.n : null };
    });
    const byAudience = audiences.map((_, place) => rowsOf(place));
    const shared = shownAudiences(now).flatMap((place) => byAudience[place]);
    const top = now.asShare ? reachOf(shared) : Math.max(1, ...shared.map((row) => row.bar || 0)) * 1.06;
    const first = periods.starts[0], last = periods.end;
    const days = (last - first) / 864e5;
    const picked = now.period === null ? [0, 0] : [periods.starts[now.period], ends[now.period]];
    const lastShown = Math.max(...shownAudiences(now));
    await Promise.all(panels.map((figure) => {
      const place = figure.dataset.audience === undefined ? null : +figure.dataset.audience;
      const rows = place === null ? rowsOf(null) : byAudience[place];
      const width = widthOf(figure, "time", false);
      const signals = {
        first, last, fill: place === null ? "var(--muted-bar)" : audiences[place].fill, as_share: place !== null && now.asShare,
        top: place === null ? Math.max(1, ...rows.map((row) => row.bar)) * 1.06 : top, thick: Math.max(1, Math.min(7, width / Math.max(1, n_periods) / 3)),
        numbered: place === null, labelled: place === null || place === lastShown, picked_first: picked[0], picked_last: picked[1],
        date_format: days > 1500 ? "%Y" : days > 500 ? "%b %Y" : periods.format, ticks: width < 420 ? 3 : 6,
      };
      const name = place === null ? "All messages" : audiences[place].name;
      return draw(figure, "time", rows, signals, `${name} per ${periods.unit}, ${n_periods} periods, ${events.length} events marked. The table below has the figures.`);
    }));
    const head = ["Period", "All messages", ...shownAudiences(now).flatMap((place) => [audiences[place].name + ": chosen, a count", "estimated share", "95 % interval"])];
    fill("time", head, Array.from({ length: n_periods }, (_, period) => [periods.labels[period], count(time.n[period]), ...shownAudiences(now).flatMap((place) => {
      const cell = cellOf(now.value, place, period);
      return [count(cell.chosen), ...(cell.value === null ? ["not estimable", "–"] : [percent(cell.value), range(cell.low, cell.high)])];
    })]));
  }

  // A table is written when it is opened: thousands of cells that nobody reads cost time.
  const waiting = new Map();
  function fill(name, head, rows, n_names = 1) {
    const table = one(`[data-table="${name}"]`);
    waiting.set(table, () => {
      const top = element("tr");
      head.forEach((text, place) => top.append(element("th", text, { scope: "col", class: place < n_names ? "" : "n" })));
      const body = element("tbody");
      for (const row of rows) {
        const line = element("tr");
        row.forEach((text, place) => line.append(place === 0 ? element("th", text, { scope: "row" }) : element("td", text, { class: place < n_names ? "" : "n" })));
        body.append(line);
      }
      const thead = element("thead");
      thead.append(top);
      table.replaceChildren(thead, body);
    });
    if (table.closest("details").open) writeTable(table);
  }
  function writeTable(table) {
    const write = waiting.get(table);
    waiting.delete(table);
    if (write) write();
  }
  every("details.behind").forEach((details) => details.addEventListener("toggle", () => details.open && every("[data-table]", details).forEach(writeTable)));

  function say(now, dropped) {
    const value = now.value === whole ? "All messages" : now.value.name;
    const period = now.period === null ? "" : ", " + periods.labels[now.period];
    const n = now.period === null ? now.value.n : now.value.time ? now.value.time.n[now.period] : null;
    const audience = now.audience === null ? "every audience" : audiences[now.audience].name;
    const missing = !now.value.time && periods.starts.length ? " Its timeline is in summary.json only." : "";
    const why = dropped ? ` ${dropped} was set back: languages and sources are counted one at a time.` : "";
    one(".status").textContent = `Shown: ${value}${period}${n === null ? "" : ", " + count(n) + " messages"}; ${audience}.${missing}${why}`;
  }

  function hideOthers(now) {
    every("[data-audience]").forEach((found) => { found.hidden = now.audience !== null && +found.dataset.audience !== now.audience; });
    every(".part [data-language]").forEach((found) => { found.hidden = now.language !== null && found.dataset.language !== now.language.code; });
    every(".part ul.examples, .part ul.copies, .part .anchor[id^=W]").forEach((list) => {
      const items = every("[data-language]", list);
      list.classList.toggle("emptied", items.length > 0 && items.every((item) => item.hidden));
    });
  }

  function showPart() {
    every(".part").forEach((found) => { found.hidden = found.dataset.part !== choices.part.value; });
  }

  // The part of the corpus that was told of in the period chosen, where there is one.
  function followPeriod() {
    const period = choices.period.value;
    const day = period === "" ? "" : new Date(periods.starts[+period]).toISOString().slice(0, 10);
    const covers = (option) => option.dataset.kind === "period" && option.dataset.first <= day && day <= option.dataset.last;
    const found = period === "" ? choices.part.options[0] : [...choices.part.options].find(covers);
    if (found) choices.part.value = found.value;
    showPart();
  }

  let drawing = Promise.resolve();
  function update(dropped = "") {
    const now = state();
    hideOthers(now);
    say(now, dropped);
    drawing = drawing.then(() => Promise.all([drawChosen(now), drawTime(now), drawDimension("language", LANGUAGES_DRAWN, now), drawDimension("source", SOURCES_DRAWN, now)]));
    return drawing;
  }

  function offer(select, names) {
    names.forEach((name, place) => select.append(element("option", name, { value: place })));
    select.disabled = !names.length;
  }

  function startChoices() {
    offer(choices.audience, audiences.map((audience) => audience.name));
    for (const name of ["language", "source"]) offer(choices[name], margins[name].map((value) => `${value.name} (${count(value.n)})`));
    offer(choices.period, periods.labels);
    choices.mode.disabled = !periods.starts.length;
    for (const [name, other] of [["language", "source"], ["source", "language"]])
      choices[name].addEventListener("change", () => {
        const dropped = choices[name].value !== "" && choices[other].value !== "";
        if (dropped) choices[other].value = "";
        update(dropped ? `The choice of a ${other}` : "");
      });
    for (const name of ["audience", "period", "mode"]) choices[name].addEventListener("change", () => update());
    choices.period.addEventListener("change", followPeriod);
    choices.part.addEventListener("change", showPart);
    one('[data-do="reset"]').addEventListener("click", () => {
      for (const name of ["audience", "language", "source", "period"]) choices[name].value = "";
      followPeriod();
      update();
    });
    every(".choices").forEach((group) => { group.hidden = false; });
  }

  // "This label is wrong": what the reader finds, by place, until the page is closed; written out as JSON lines.
  const wrong = new Map();
  function startLabels() {
    for (const button of every("button.wrong")) {
      button.hidden = false;
      button.setAttribute("aria-expanded", "false");
      button.addEventListener("click", () => toggleFix(button));
    }
    one('[data-do="export"]').addEventListener("click", exportLabels);
  }
  function toggleFix(button) {
    const example = button.closest("li"), open = one(".fix", example);
    const key = example.dataset.place;
    if (open) {
      open.remove();
      wrong.delete(key);
    } else {
      const from = +button.closest("[data-audience]").dataset.audience;
      const found = wrong.get(key) || { example, from: audiences[from].id, marked: new Set() };
      wrong.set(key, found);
      button.after(fixOf(found));
    }
    button.setAttribute("aria-expanded", String(!open));
    showExport();
  }
  function fixOf(found) {
    const box = element("fieldset", undefined, { class: "fix" });
    box.append(element("legend", "Built for (mark none if for none of these)"));
    for (const audience of audiences) {
      const label = element("label"), input = element("input", undefined, { type: "checkbox" });
      input.checked = found.marked.has(audience.id);
      input.addEventListener("change", () => { input.checked ? found.marked.add(audience.id) : found.marked.delete(audience.id); });
      label.append(input, element("bdi", audience.name));
      box.append(label);
    }
    return box;
  }
  function showExport() {
    one(".export").hidden = !wrong.size;
    one("[data-count]").textContent = wrong.size === 1 ? "1 label found wrong." : `${wrong.size} labels found wrong.`;
  }
  function exportLabels() {
    const lines = [...wrong].map(([place, { example, from, marked }]) => {
      const { lang, source, day } = example.dataset;
      return JSON.stringify({
        id: place, text: one("blockquote", example).textContent, audiences: audiences.map((audience) => audience.id).filter((id) => marked.has(id)),
        lang: lang === "und" ? null : lang, source: source || null, created_at: day || null, chosen_for: from, redacted: margins.redacted,
      });
    });
    const link = element("a", undefined, { download: "labels-from-summary.jsonl" });
    link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "application/jsonl" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // Paper has a width of its own; views are drawn for it before printing, at once, and back again after.
  function resize(printed) {
    for (const [figure, view] of views) {
      const name = figure.dataset.chart === "time" ? "time" : "dots";
      if (printed || one(".draw", figure).clientWidth) view.width(widthOf(figure, name, printed)).run();
    }
  }
  addEventListener("beforeprint", () => resize(true));
  addEventListener("afterprint", () => resize(false));
  let timer = 0;
  addEventListener("resize", () => { clearTimeout(timer); timer = setTimeout(() => matchMedia("print").matches || update(), 150); });

  startChoices();
  startLabels();
  showPart();
  update().then(() => { document.documentElement.dataset.ready = "yes"; });
})();

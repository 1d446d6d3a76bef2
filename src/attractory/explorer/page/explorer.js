"use strict";
// The page's side of the explorer. It draws, asks and shows; all numbers come from the server.
window.explorer = (() => {
  const $ = (id) => document.getElementById(id);
  let bridge, limits, patterns, cue, sent = 0, asked = 0, auto = 0;

  const send = (message) => {
    if (message.do !== "watch") say("error", "");
    if (!["watch", "export", "critical"].includes(message.do)) message.count = ++asked;
    bridge.inbox = JSON.stringify(message) + " ".repeat(sent++ % 2);
  };
  const say = (id, text) => { $(id).textContent = text; $(id).hidden = !text; };
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  // ---- pictures -------------------------------------------------------------------------------
  function paint(canvas, data, [height, width, channels], at = 0) {
    canvas.width = width;
    canvas.height = height;
    const image = new ImageData(width, height);
    for (let k = 0; k < height * width; k++)
      for (let c = 0; c < 4; c++)
        image.data[4 * k + c] = c === 3 ? 255 : data[at + k * channels + (channels === 3 ? c : 0)];
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  function showPatterns(message) {
    patterns = message;
    const [height, width, channels] = message.shape, data = bytes(message.data);
    const box = $("thumbnails");
    box.replaceChildren(...message.names.map((name, k) => {
      const label = document.createElement("label"), input = document.createElement("input");
      const canvas = document.createElement("canvas");
      Object.assign(input, { type: "radio", name: "chosen", value: k });
      input.setAttribute("aria-label", `pattern ${name}`);
      label.title = name;
      input.addEventListener("change", () => send({ do: "choose", pattern: k }));
      paint(canvas, data, message.shape, k * height * width * channels);
      label.append(input, canvas);
      return label;
    }));
    for (const pick of document.querySelectorAll("select.plane")) {
      const names = ["automatic", ...message.names];
      pick.replaceChildren(...names.map((name, k) => new Option(name, k - 1)));
    }
    $("n").max = message.names.length;
  }

  function showCue(message) {
    cue = bytes(message.data);
    drawCue();
    const { n, norm, depth, width, activation, kind } = message.setup;
    $("n").value = n;
    $("auto").checked = !norm;
    if (norm) $("norm").value = closest(limits.norms, norm);
    $("norm").disabled = !norm;
    $("depth").value = depth;
    $("width").value = closest(limits.widths, width);
    $("activation").value = activation;
    $("kind").value = kind;
    document.querySelectorAll("#thumbnails label").forEach((label, k) => {
      label.classList.toggle("unstored", k >= n);
      label.firstChild.disabled = k >= n;
      label.firstChild.checked = k === message.chosen;
    });
    document.querySelectorAll("select.plane").forEach((pick, k) => {
      pick.value = message.planes[k];
      [...pick.options].forEach((option, i) => { option.disabled = i > n; });
    });
    outputs();
  }

  function showFrames(message) {
    const [height, width, channels] = message.shape, data = bytes(message.data);
    $("frames").replaceChildren(...message.captions.map((caption, k) => {
      const box = document.createElement("div"), canvas = document.createElement("canvas");
      paint(canvas, data, message.shape, k * height * width * channels);
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", caption);
      box.append(canvas, caption);
      return box;
    }));
    $("t-recall").classList.toggle("lost", message.ended !== message.chosen);
    document.querySelectorAll("select.plane").forEach((pick, k) => {
      pick.options[0].textContent = `automatic (${patterns.names[message.planes[k]]})`;
    });
    auto = message.norm;
    outputs();
    document.body.dataset.ended = message.ended;
    document.body.dataset.shown = Number(document.body.dataset.shown || 0) + 1;
  }

  const closest = (values, wanted) =>
    values.reduce((best, v, k) => (Math.abs(v - wanted) < Math.abs(values[best] - wanted) ? k : best), 0);

  function outputs() {
    $("n-out").value = $("n").value;
    const norm = limits.norms[$("norm").value];
    $("norm-out").value = $("auto").checked ? `${Number(auto.toPrecision(3))} (rule)` : norm;
    $("norm").setAttribute("aria-valuetext", $("norm-out").value);
    $("depth-out").value = $("depth").value;
    const width = limits.widths[$("width").value];
    $("width-out").value = width ? `${width}, trained` : "infinite";
    $("width").setAttribute("aria-valuetext", $("width-out").value);
    $("amount-out").value = `${$("amount").value} %`;
  }

  // ---- drawing on the cue ---------------------------------------------------------------------
  let cursor = null, last = null, pending = new Set(), timer = null;

  function drawCue() {
    const canvas = $("cue"), [height, width] = patterns.grid;
    paint(canvas, cue, patterns.grid);
    if (cursor && document.activeElement === canvas) {
      const context = canvas.getContext("2d");
      context.fillStyle = "rgba(213, 94, 0, 0.8)";
      context.fillRect(Math.min(cursor[0], width - 1), Math.min(cursor[1], height - 1), 1, 1);
    }
  }

  function mark(x, y) {
    const [height, width, channels] = patterns.grid, reach = (Number($("size").value) - 1) / 2;
    const value = brush() === "high" ? 255 : 0;
    for (let j = Math.max(0, y - reach); j <= Math.min(height - 1, y + reach); j++)
      for (let i = Math.max(0, x - reach); i <= Math.min(width - 1, x + reach); i++) {
        const cell = j * width + i;
        pending.add(cell);
        cue.fill(value, cell * channels, (cell + 1) * channels);
      }
  }

  const brush = () => document.querySelector("input[name=brush]:checked").value;

  function line([x0, y0], [x1, y1]) {
    const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1);
    for (let k = 0; k <= steps; k++)
      mark(Math.round(x0 + ((x1 - x0) * k) / steps), Math.round(y0 + ((y1 - y0) * k) / steps));
    drawCue();
    // A stroke is many events: the server hears of them ten times a second.
    timer ??= setTimeout(flush, 100);
  }

  function flush() {
    clearTimeout(timer);
    timer = null;
    if (!pending.size) return;
    send({ do: "paint", cells: [...pending], value: brush() });
    pending = new Set();
  }

  function cell(event) {
    const box = $("cue").getBoundingClientRect(), [height, width] = patterns.grid;
    const place = (at, from, size, cells) => Math.max(0, Math.min(cells - 1, Math.floor(((at - from) / size) * cells)));
    return [place(event.clientX, box.left, box.width, width), place(event.clientY, box.top, box.height, height)];
  }

  function easel() {
    const canvas = $("cue");
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      cursor = null;
      last = cell(event);
      line(last, last);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      const here = cell(event);
      line(last, here);
      last = here;
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, () => { last = null; flush(); });
    canvas.addEventListener("keydown", (event) => {
      const [height, width] = patterns.grid;
      const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      cursor ??= [width >> 1, height >> 1];
      if (event.key in moves) {
        const [i, j] = moves[event.key];
        cursor = [Math.max(0, Math.min(width - 1, cursor[0] + i)), Math.max(0, Math.min(height - 1, cursor[1] + j))];
        drawCue();
      } else if (event.key === " " || event.key === "Enter") {
        line(cursor, cursor);
      } else return;
      canvas.setAttribute("aria-label", `Cue, to draw on; at column ${cursor[0] + 1}, line ${cursor[1] + 1}`);
      event.preventDefault();
    });
    canvas.addEventListener("focus", drawCue);
    canvas.addEventListener("blur", drawCue);
  }

  // ---- files ----------------------------------------------------------------------------------
  async function upload(event) {
    const files = [...event.target.files], total = files.reduce((sum, f) => sum + f.size, 0);
    event.target.value = "";
    if (!files.length) return;
    const large = files.find((f) => f.size > limits.fileBytes), mb = (size) => `${(size / 2 ** 20).toFixed(1)} MiB`;
    say("note", "");
    if (files.length > limits.files) return say("error", `At most ${limits.files} files at once, got ${files.length}.`);
    if (large) return say("error", `${large.name} must be at most ${mb(limits.fileBytes)}, got ${mb(large.size)}; shrink or split it, or start attractory explore with the file.`);
    if (total > limits.totalBytes) return say("error", `All files together must be at most ${mb(limits.totalBytes)}, got ${mb(total)}.`);
    try {
      const contents = await Promise.all(files.map(async (f) => [f.name, await inBase64(f)]));
      send({ do: "upload", files: Object.fromEntries(contents) });
    } catch (error) {
      say("error", `A file could not be read: ${error.message}`);
    }
  }

  const inBase64 = (file) => new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });

  function download({ name, content }) {
    const types = { png: "image/png", svg: "image/svg+xml", py: "text/x-python", zip: "application/zip" };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes(content)], { type: types[name.split(".").pop()] }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // ---- what the server says -------------------------------------------------------------------
  function heard(text) {
    const message = JSON.parse(text);
    if (message.limits) {
      limits = message.limits;
      $("norm").max = limits.norms.length - 1;
      $("depth").max = limits.depth;
      $("width").max = limits.widths.length - 1;
      $("activation").replaceChildren(...limits.activations.map((name) => new Option(name, name)));
    }
    if (message.patterns) showPatterns(message.patterns);
    // Answers to older messages would move a slider back that is still being moved.
    if (message.cue && message.heard === asked && !pending.size && !last) showCue(message.cue);
    if (message.frames) showFrames(message.frames);
    for (const [name, text] of Object.entries(message.texts || {})) $(`t-${name}`).textContent = text;
    for (const name of ["busy", "slow"]) if (name in message) $(name).textContent = message[name];
    if (message.error) say("error", message.error);
    if (message.note) say("note", message.note);
    if (message.download) download(message.download);
  }

  function controls() {
    const slides = {
      n: () => ({ n: Number($("n").value) }),
      norm: () => ({ norm: limits.norms[$("norm").value] }),
      depth: () => ({ depth: Number($("depth").value) }),
      width: () => ({ width: limits.widths[$("width").value] }),
      activation: () => ({ activation: $("activation").value }),
      kind: () => ({ kind: $("kind").value }),
    };
    for (const [id, value] of Object.entries(slides))
      $(id).addEventListener("input", () => { outputs(); send({ do: "set", ...value() }); });
    $("auto").addEventListener("change", () => {
      if (!$("auto").checked) $("norm").value = closest(limits.norms, auto);
      send({ do: "set", norm: $("auto").checked ? 0 : limits.norms[$("norm").value] });
    });
    $("amount").addEventListener("input", outputs);
    for (const button of document.querySelectorAll("[data-damage]"))
      button.addEventListener("click", () => {
        const how = button.dataset.damage, amount = Number($("amount").value) / 100;
        send({ do: "damage", how, amount: how === "speckle" ? Math.min(1, amount) : amount });
      });
    for (const button of document.querySelectorAll("[data-export]"))
      button.addEventListener("click", () => send({ do: "export", kind: button.dataset.export }));
    for (const name of ["reset", "clear", "digits", "critical"])
      $(name).addEventListener("click", () => send({ do: name }));
    for (const pick of document.querySelectorAll("select.plane"))
      pick.addEventListener("change", () => {
        const all = [...document.querySelectorAll("select.plane")].map((each) => Number(each.value));
        send({ do: "planes", patterns: all });
      });
    $("files").addEventListener("change", upload);
  }

  // Certificates, basins and courses take seconds: the server computes those that are in view.
  function watch() {
    const seen = new Set();
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries)
        seen[isIntersecting ? "add" : "delete"](target.dataset.panel);
      send({ do: "watch", panels: [...seen] });
    });
    for (const panel of document.querySelectorAll("[data-panel]")) observer.observe(panel);
  }

  function start(model) {
    bridge = model;
    bridge.properties.outbox.change.connect(() => heard(bridge.outbox));
    controls();
    easel();
    send({ do: "begin" });
    watch();
  }

  function lost() {
    say("busy", "");
    say("slow", "");
    say("error", "The explorer has ended, or the page was left alone for too long. Start it again if it has, and load this page anew.");
  }

  return { start, lost };
})();

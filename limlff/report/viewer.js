// Viewer of frames: spheres as shaded point sprites in WebGL 2, nothing loaded from anywhere.
// SPHERES and LINES are in shaders.js, which the page puts before this.
"use strict";
(() => {
  const movies = JSON.parse(document.getElementById("movies").textContent);
  if (!movies.length) return;
  const element = (id) => document.getElementById(id);
  const POINT_COLOR = "#ed8c1a";
  const ATOM_RADIUS = 1.25, POINT_RADIUS = 0.75;
  const START = { turn: rotation(-0.38, 0.5), zoom: 1 };
  const shared = { ...START, time: 0 };
  const times = [...new Set(movies.flatMap((movie) => movie.frames.map((frame) => frame.time)))]
    .sort((a, b) => a - b);

  function rotation(pitch, yaw) { // rows of a matrix: first about y, then about x
    const [c, s, d, t] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    return [c, 0, s, t * s, d, -t * c, -d * s, t, d * c];
  }

  function product(a, b) {
    const result = [];
    for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++)
      result.push(a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j]);
    return result;
  }

  function decode(text, Kind) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Kind(bytes.buffer);
  }

  function rgb(hex) {
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  }

  function cartesian(fractions, cell) { // the cell's middle becomes the origin
    const result = new Float32Array(fractions.length);
    for (let i = 0; i < fractions.length; i += 3)
      for (let x = 0; x < 3; x++)
        for (let v = 0; v < 3; v++)
          result[i + x] += (fractions[i + v] / 65536 - 0.5) * cell[3 * v + x];
    return result;
  }

  function program(gl, sources) {
    const linked = gl.createProgram();
    [gl.VERTEX_SHADER, gl.FRAGMENT_SHADER].forEach((kind, i) => {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, sources[i]);
      gl.compileShader(shader);
      gl.attachShader(linked, shader);
    });
    gl.linkProgram(linked);
    if (!gl.getProgramParameter(linked, gl.LINK_STATUS))
      throw new Error(gl.getProgramInfoLog(linked) || "shaders do not link");
    return linked;
  }

  class View {
    constructor(movie, parent) {
      this.movie = movie;
      this.colors = movie.colorings.map((coloring) => coloring.colors.map(rgb));
      const box = document.createElement("div");
      box.className = "view";
      const heading = document.createElement("h3");
      heading.textContent = movie.title;
      this.canvas = document.createElement("canvas");
      this.canvas.tabIndex = 0;
      this.canvas.setAttribute("role", "img");
      this.canvas.setAttribute("aria-label", `Atoms of the run ${movie.title}`);
      this.note = document.createElement("p");
      box.append(heading, this.canvas, this.note);
      parent.append(box);
      const first = movie.frames[0].cell;
      this.size = Math.hypot(...[0, 1, 2].map((x) => first[x] + first[3 + x] + first[6 + x]));
      this.gl = this.canvas.getContext("webgl2", { antialias: true, preserveDrawingBuffer: true });
      if (!this.gl) {
        this.note.textContent = "This browser shows no WebGL 2, so there is no 3D view; "
          + "the figures below hold the results.";
        this.canvas.remove();
        return;
      }
      this.spheres = program(this.gl, SPHERES);
      this.lines = program(this.gl, LINES);
      this.buffers = {};
      listen(this.canvas);
    }

    frameAt(time) { // the last one not later than the time
      const frames = this.movie.frames;
      let at = 0;
      while (at + 1 < frames.length && frames[at + 1].time <= time + 1e-9) at++;
      const frame = frames[at];
      if (!frame.positions) {
        frame.positions = cartesian(decode(frame.atoms, Uint16Array), frame.cell);
        frame.classOfAtom = this.movie.colorings.map((_, coloring) => {
          let last = at; // classes that stay as they are stand only in the first of their frames
          while (frames[last].classes[coloring] === null) last--;
          return decode(frames[last].classes[coloring], Uint8Array);
        });
        frame.pointsShown = cartesian(decode(frame.points, Uint16Array), frame.cell);
      }
      return frame;
    }

    attribute(linked, name, values, size) {
      const { gl } = this;
      const place = gl.getAttribLocation(linked, name);
      this.buffers[name] ??= gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
      gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(values), gl.DYNAMIC_DRAW);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, gl.FLOAT, false, 0, 0);
    }

    uniforms(linked) {
      const { gl, canvas } = this;
      const smaller = Math.min(canvas.width, canvas.height);
      const set = (name) => gl.getUniformLocation(linked, name);
      gl.uniformMatrix3fv(set("turn"), true, shared.turn);
      gl.uniform1f(set("scale"), (1.9 * shared.zoom) / this.size);
      gl.uniform1f(set("depth"), this.size);
      gl.uniform1f(set("pixels"), smaller / 2);
      gl.uniform2f(set("aspect"), smaller / canvas.width, smaller / canvas.height);
    }

    draw() {
      if (!this.gl) return;
      const { gl, canvas } = this;
      const side = Math.round(canvas.clientWidth * Math.min(devicePixelRatio || 1, 2));
      if (canvas.width !== side) canvas.width = canvas.height = side;
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.enable(gl.DEPTH_TEST);
      const frame = this.frameAt(shared.time);
      this.drawAtoms(frame);
      const pointColor = rgb(POINT_COLOR);
      if (element("points").checked) this.drawSpheres(frame.pointsShown,
        () => pointColor, () => POINT_RADIUS, 1e9);
      if (element("outline").checked) this.drawOutline(frame.cell);
      this.note.textContent = `${frame.time.toFixed(1)} ps · ${frame.note}`;
    }

    drawAtoms(frame) {
      const show = element("show").value, coloring = +element("color").value;
      const color = (i) => this.colors[coloring][frame.classOfAtom[coloring][i]];
      const hiding = /^\d+$/.test(show) ? +show : -1; // the colouring whose usual class is hidden
      const hidden = hiding < 0 ? -1
        : this.movie.colorings[hiding].names.indexOf(this.movie.colorings[hiding].usual);
      const radius = (i) => hiding >= 0 && frame.classOfAtom[hiding][i] === hidden ? 0 : ATOM_RADIUS;
      this.drawSpheres(frame.positions, color, radius, show === "cut" ? 0 : 1e9);
    }

    drawSpheres(positions, color, radius, cut) {
      const { gl } = this;
      const count = positions.length / 3;
      const colors = new Float32Array(3 * count), radii = new Float32Array(count);
      for (let i = 0; i < count; i++) {
        colors.set(color(i), 3 * i);
        radii[i] = radius(i);
      }
      gl.useProgram(this.spheres);
      this.attribute(this.spheres, "position", positions, 3);
      this.attribute(this.spheres, "color", colors, 3);
      this.attribute(this.spheres, "radius", radii, 1);
      this.uniforms(this.spheres);
      gl.uniform1f(gl.getUniformLocation(this.spheres, "cut"), cut);
      gl.drawArrays(gl.POINTS, 0, count);
    }

    drawOutline(cell) {
      const corners = [];
      for (const axis of [0, 1, 2]) for (const a of [0, 1]) for (const b of [0, 1])
        for (const end of [0, 65536]) {
          const corner = [0, 0, 0];
          corner[axis] = end;
          corner[(axis + 1) % 3] = 65536 * a;
          corner[(axis + 2) % 3] = 65536 * b;
          corners.push(...corner);
        }
      const { gl } = this;
      gl.useProgram(this.lines);
      this.attribute(this.lines, "position", cartesian(corners, cell), 3);
      this.uniforms(this.lines);
      gl.drawArrays(gl.LINES, 0, corners.length / 3);
    }
  }

  function turnBy(dx, dy) { shared.turn = product(rotation(dy, dx), shared.turn); redraw(); }
  function zoomBy(factor) {
    shared.zoom = Math.min(12, Math.max(0.4, shared.zoom * factor));
    redraw();
  }

  function listen(canvas) {
    const pointers = new Map();
    const spread = () => {
      const [a, b] = [...pointers.values()];
      return Math.hypot(a.x - b.x, a.y - b.y);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    });
    canvas.addEventListener("pointermove", (event) => {
      const last = pointers.get(event.pointerId);
      if (!last) return;
      const before = pointers.size === 2 ? spread() : 0;
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (pointers.size === 2) zoomBy(spread() / before);
      else turnBy((event.clientX - last.x) / 160, (event.clientY - last.y) / 160);
    });
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoomBy(Math.exp(-event.deltaY / 600));
    }, { passive: false });
    const keys = {
      ArrowLeft: () => turnBy(-0.12, 0), ArrowRight: () => turnBy(0.12, 0),
      ArrowUp: () => turnBy(0, -0.12), ArrowDown: () => turnBy(0, 0.12),
      "+": () => zoomBy(1.15), "=": () => zoomBy(1.15), "-": () => zoomBy(1 / 1.15),
      " ": () => element("play").click(),
    };
    canvas.addEventListener("keydown", (event) => {
      if (!keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
  }

  let waiting = false, playing = 0;
  function redraw() { // at most once for each picture that the screen shows
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      views.forEach((view) => view.draw());
    });
  }

  function goTo(index) {
    element("time").value = index;
    shared.time = times[index];
    element("clock").textContent = `${shared.time.toFixed(1)} ps`;
    element("time").setAttribute("aria-valuetext", element("clock").textContent);
    redraw();
  }

  function play(on) {
    clearInterval(playing);
    playing = 0;
    element("play").textContent = on ? "Pause" : "Play";
    element("play").setAttribute("aria-pressed", String(on));
    if (on) playing = setInterval(() => goTo((+element("time").value + 1) % times.length), 100);
  }

  function drawLegend() {
    const coloring = movies[0].colorings[+element("color").value];
    const entries = coloring.names.map((name, i) => [name, coloring.colors[i]]);
    if (movies[0].points) entries.push([movies[0].points, POINT_COLOR]);
    element("legend").replaceChildren(...entries.map(([name, color]) => {
      const entry = document.createElement("span"), dot = document.createElement("i");
      dot.style.background = color;
      entry.append(dot, name);
      return entry;
    }));
  }

  function offer(id, choices) { // pairs of value and text
    element(id).replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
  }

  function offerChoices() {
    const { colorings, points } = movies[0];
    const all = ["all", "all atoms"], cut = ["cut", `cut through the ${points || "middle"}`];
    const unusual = colorings.map((coloring, i) => [i, `atoms that are not ${coloring.usual}`])
      .filter(([i]) => colorings[i].usual);
    offer("show", [...(points ? [cut, all] : [all, cut]), ...unusual]);
    offer("color", colorings.map((coloring, i) => [i, `by ${coloring.title}`]));
    element("pointsLabel").hidden = !points;
    element("pointsName").textContent = points;
  }

  offerChoices();
  const views = movies.map((movie) => new View(movie, element("views")));
  element("time").max = times.length - 1;
  element("time").addEventListener("input", () => { play(false); goTo(+element("time").value); });
  element("play").addEventListener("click", () => play(!playing));
  element("reset").addEventListener("click", () => { Object.assign(shared, START); redraw(); });
  for (const id of ["show", "color", "points", "outline"])
    element(id).addEventListener("change", () => { drawLegend(); redraw(); });
  addEventListener("resize", redraw);
  drawLegend();
  goTo(0);
})();

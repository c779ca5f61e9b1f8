// Put into the page before its own scripts: times what the page does by standing in front of the
// browser's own functions. The product knows nothing of it.
(() => {
  const probe = {
    on: false,
    moves: [], // ms in the surface's pointermove handler
    scripts: [], // ms of script in the callbacks of one animation frame
    intervals: [], // ms from frame to frame
    shown: [], // when the frame after one that painted the image began
    entered: [], // when Enter was pressed
    packed: [], // when a mask began to be packed
  };
  window.__probe = probe;
  performance.setResourceTimingBufferSize(5000);

  const add = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    if (type !== "pointermove" || this.dataset?.testid !== "surface") {
      return add.call(this, type, listener, options);
    }
    const timed = (event) => {
      const start = performance.now();
      listener.call(this, event);
      if (probe.on) probe.moves.push(performance.now() - start);
    };
    return add.call(this, type, timed, options);
  };
  add.call(window, "keydown", (event) => {
    if (event.key === "Enter") probe.entered.push(event.timeStamp);
  }, true);

  const frame = window.requestAnimationFrame.bind(window);
  let spent = 0;
  window.requestAnimationFrame = (callback) =>
    frame((now) => {
      const start = performance.now();
      callback(now);
      spent += performance.now() - start;
    });
  let before = 0;
  const tick = (now) => {
    if (!probe.on) {
      before = 0;
      return;
    }
    if (before) probe.intervals.push(now - before);
    if (spent) probe.scripts.push(spent);
    spent = 0;
    before = now;
    frame(tick);
  };
  probe.start = () => {
    Object.assign(probe, { on: true, moves: [], scripts: [], intervals: [] });
    spent = 0;
    frame(tick);
  };
  probe.stop = () => {
    probe.on = false;
    const { moves, scripts, intervals } = probe;
    return { moves, scripts, intervals };
  };

  const put = CanvasRenderingContext2D.prototype.putImageData;
  CanvasRenderingContext2D.prototype.putImageData = function (...all) {
    put.apply(this, all);
    if (this.canvas.dataset.layer === "image") frame(() => probe.shown.push(performance.now()));
  };

  window.CompressionStream = class extends window.CompressionStream {
    constructor(format) {
      super(format);
      probe.packed.push(performance.now());
    }
  };

  /** Draw strokes of points in image coordinates as fast as the page takes them; returns ms. */
  probe.draw = (strokes, keys = []) => {
    const host = document.querySelector("[data-testid=surface]");
    const spots = strokes.map((stroke) =>
      stroke.map(([x, y]) => window.__reticle.imageToClient(x, y)),
    );
    const fire = (type, { x, y }) =>
      host.dispatchEvent(
        new PointerEvent(type, {
          pointerId: 1,
          pointerType: "mouse",
          isPrimary: true,
          bubbles: true,
          cancelable: true,
          button: type === "pointermove" ? -1 : 0,
          buttons: type === "pointerup" ? 0 : 1,
          clientX: x,
          clientY: y,
        }),
      );
    const start = performance.now();
    for (const [i, stroke] of spots.entries()) {
      if (keys[i]) window.dispatchEvent(new KeyboardEvent("keydown", { key: keys[i] }));
      fire("pointerdown", stroke[0]);
      for (const spot of stroke.slice(1)) fire("pointermove", spot);
      fire("pointerup", stroke.at(-1));
    }
    return performance.now() - start;
  };

  /** The floor of a frame: a canvas of this size painted from memory, again and again. */
  probe.floor = (size, frames) =>
    new Promise((resolve) => {
      const canvas = document.body.appendChild(document.createElement("canvas"));
      Object.assign(canvas, { width: size, height: size });
      canvas.style.cssText = "position:fixed;left:0;top:0;width:600px;height:600px";
      const context = canvas.getContext("2d", { alpha: false });
      const image = new ImageData(size, size);
      const scripts = [];
      const intervals = [];
      let last = 0;
      const paint = (now) => {
        if (last) intervals.push(now - last);
        last = now;
        image.data.fill(intervals.length & 255);
        const start = performance.now();
        put.call(context, image, 0, 0);
        scripts.push(performance.now() - start);
        if (scripts.length < frames) frame(paint);
        else {
          canvas.remove();
          resolve({ scripts, intervals });
        }
      };
      frame(paint);
    });
})();


// ---- a page saved by `save_html`: the state stands in the page, and this model takes the place of Jupyter's

const state = JSON.parse(document.getElementById("state").textContent);
const listeners = {};
const model = {
  get: (name) => state[name],
  set(name, value) {
    if (state[name] === value) return;
    state[name] = value;
    for (const listener of listeners[`change:${name}`] ?? []) listener();
  },
  on: (event, listener) => (listeners[event] ??= []).push(listener),
  off() {},
  save_changes() {},
};
render({ model, el: document.getElementById("explorer") });

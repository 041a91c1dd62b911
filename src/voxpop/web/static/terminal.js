// A terminal: xterm.js on a WebSocket.
//
// Bytes go both ways in binary frames. A text frame to the server is `{"resize": [rows, columns]}`; one from it is
// `{"said": "a sentence"}`, which stands in #terminal-status when the terminal is over.

import { FitAddon } from "./vendor/xterm-addon-fit-0.11.0/addon-fit.mjs";
import { Terminal } from "./vendor/xterm-xterm-6.0.0/xterm.mjs";

const QUIET_MS = 100;
const TEXTS = {
  label: "Terminal",
  opening: "The terminal is opening.",
  open: "The terminal is open. Press Control, Shift and Q to leave it with the keyboard.",
  over: "The terminal is closed: load the page again to open another one.",
  left: "You left the terminal: press Tab to go on, or Shift and Tab to go back.",
};

const root = document.getElementById("terminal");
const status = document.getElementById("terminal-status");
const texts = { ...TEXTS, ...JSON.parse(root.dataset.texts ?? "{}") };

function say(text) {
  status.textContent = text;
}

function socketUrl() {
  const url = new URL(root.dataset.socket, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

function newTerminal() {
  const terminal = new Terminal({
    convertEol: false,
    cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    fontFamily: "ui-monospace, monospace",
    screenReaderMode: true,
    scrollback: 5000,
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(root);
  terminal.textarea.setAttribute("aria-label", texts.label);
  fit.fit();
  return { terminal, fit };
}

// A shell wants Tab and Escape itself, so leaving needs keys that it does not (WCAG 2.1.2, no keyboard trap).
function leaveByKey(terminal) {
  terminal.attachCustomKeyEventHandler((event) => {
    if (!(event.ctrlKey && event.shiftKey && event.code === "KeyQ")) {
      return true;
    }
    event.preventDefault();
    if (event.type === "keydown") {
      leave(terminal);
    }
    return false;
  });
}

// The focus goes to the status line, which stands after the terminal: from there Tab goes on through the page.
function leave(terminal) {
  terminal.blur();
  status.tabIndex = -1;
  say(texts.left);
  status.focus();
}

function hear(event, terminal) {
  if (typeof event.data !== "string") {
    terminal.write(new Uint8Array(event.data));
    return;
  }
  const { said } = JSON.parse(event.data);
  if (typeof said === "string") {
    root.dataset.said = said;
    say(said);
  }
}

function sendSize(socket, terminal) {
  if (socket.readyState === WebSocket.OPEN) {
    socket.send(JSON.stringify({ resize: [terminal.rows, terminal.cols] }));
  }
}

function followSize(socket, terminal, fit) {
  let pending = 0;
  const observer = new ResizeObserver(() => {
    clearTimeout(pending);
    pending = setTimeout(() => fit.fit(), QUIET_MS);
  });
  observer.observe(root);
  terminal.onResize(() => sendSize(socket, terminal));
}

function typeInto(socket, terminal) {
  const encoder = new TextEncoder();
  const send = (bytes) => socket.readyState === WebSocket.OPEN && socket.send(bytes);
  terminal.onData((text) => send(encoder.encode(text)));
  // what is no text, as the reports of an old mouse protocol: one byte a character
  terminal.onBinary((text) => send(Uint8Array.from(text, (one) => one.charCodeAt(0))));
}

function start() {
  say(texts.opening);
  const { terminal, fit } = newTerminal();
  const socket = new WebSocket(socketUrl());
  socket.binaryType = "arraybuffer";
  leaveByKey(terminal);
  typeInto(socket, terminal);
  followSize(socket, terminal, fit);
  socket.addEventListener("open", () => {
    root.dataset.state = "open";
    say(texts.open);
    sendSize(socket, terminal);
    terminal.focus();
  });
  socket.addEventListener("message", (event) => hear(event, terminal));
  socket.addEventListener("close", () => {
    root.dataset.state = "closed";
    terminal.options.disableStdin = true;
    say(root.dataset.said ?? texts.over);
  });
}

start();

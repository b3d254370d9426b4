import * as actions from "./actions.js";
import { start } from "./connection.js";
import "./counters.js";
import * as drawer from "./drawer.js";
import * as filters from "./filters.js";
import "./fragments.js";
import * as keyboard from "./keyboard.js";
import * as live from "./live.js";

actions.watch();
keyboard.watch();
if (document.body.dataset.page === "live") {
  live.watch();
  filters.watch();
  drawer.watch();
  start(live.streamAddress);
} else {
  start();
}

// What every page has: each module enhances markup that works without it.
import "./copy.js";
import "./dialogs.js";
import "./flash.js";
import "./help.js";
import "./live.js";
import "./menus.js";
import "./panels.js";
import "./refusals.js";
import "./session.js";
import "./shortcuts.js";
import "./times.js";

// The create-job form. Each module enhances markup that works without it.
import "./attribute-editor.js";
import "./character-counter.js";
import "./field-check.js";
import "./first-error.js";
import "./input_checks.js";
import "./job-command.js";
import "./model-picker.js";
import "./s3-chooser.js";
import "./unsaved-changes.js";

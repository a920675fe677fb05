/** Loaded by mocha before every spec: what the packages under spec/examples import has to be found. */
import { linkEntries, linkExamples } from "../../nodes/bootstrap.mjs";

linkEntries();
linkExamples();

/**
 * novact completion bash|zsh|fish: prints the script with which a shell completes commands, options, values
 * and names.
 */
import { Argument, Command } from "commander";
import type { Invoke } from "../run.ts";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

/** The scripts. Each asks `novact __complete` with the words so far, the last one being completed. */
const scripts: Readonly<Record<Shell, string>> = {
  bash: `_novact() {
  local IFS=$'\\n'
  COMPREPLY=($(novact __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _novact novact
`,
  zsh: `#compdef novact
_novact() {
  local -a candidates
  candidates=("\${(@f)$(novact __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a candidates
}
compdef _novact novact
`,
  fish: `function __novact_complete
  set -l words (commandline -opc) (commandline -ct)
  novact __complete $words[2..-1] 2>/dev/null
end
complete -c novact -f -a '(__novact_complete)'
`,
};

/** Shells complete by the first word, and that is `npx` for them else. */
const howToHaveIt = "For completion novact has to be on the PATH: export PATH=$PWD/node_modules/.bin:$PATH";

export function completionCommand(invoke: Invoke): Command {
  return new Command("completion")
    .description("Prints the completion for a shell. In bash: source <(novact completion bash)")
    .addHelpText("after", `\n${howToHaveIt}`)
    .addArgument(new Argument("<shell>", "which").choices(shells))
    .action((shell: Shell, _options: object, command: Command) =>
      invoke(command, async (run) => {
        run.print(scripts[shell]);
        if (run.terminal.command !== "novact") run.remark(howToHaveIt);
        return 0;
      }),
    );
}

// The scripts that make shells ask `btr complete`. They know nothing of verbs and options, so they need not be renewed with the program.
// Answers are lines: a word, a tab, what it is; a line `:files` makes the shell offer files.

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Addresses have colons in them, at which bash breaks words: they are put together again, and what is typed already is left out. */
const BASH = `# bash completion for btr. To have it always: btr completion bash > /etc/bash_completion.d/btr
_btr() {
  local line=\${COMP_LINE:0:COMP_POINT} word words=() answer cut
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  word=\${words[\${#words[@]}-1]}
  COMPREPLY=()
  while IFS= read -r answer; do
    if [[ $answer == :files ]]; then
      compopt -o filenames 2> /dev/null
      local value=\${word#--*=}
      while IFS= read -r answer; do COMPREPLY+=("$answer"); done < <(compgen -f -- "$value")
    else
      answer=\${answer%%$'\\t'*}
      [[ $answer == "$word"* ]] || continue
      # Readline replaces only what stands behind the last of these.
      cut=\${word%"\${word##*[=:]}"}
      COMPREPLY+=("\${answer#"$cut"}")
    fi
  done < <("\${words[0]}" complete -- "\${words[@]:1}" 2> /dev/null)
}
complete -F _btr btr
`;

const ZSH = `#compdef btr
# zsh completion for btr. To have it always: btr completion zsh > /usr/local/share/zsh/site-functions/_btr
_btr() {
  local line files=0
  local -a found
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=1
    else
      found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done < <("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)
  (( $#found )) && _describe btr found
  if (( files )); then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    _files
  fi
}
if [[ \${funcstack[1]} == _btr ]]; then _btr "$@"; else compdef _btr btr; fi
`;

const FISH = `# fish completion for btr. To have it always: btr completion fish > /etc/fish/completions/btr.fish
function __btr_complete
  set -l words (commandline -opc) (commandline -ct)
  for answer in ($words[1] complete -- $words[2..-1] 2> /dev/null)
    if test "$answer" = :files
      __fish_complete_path (commandline -ct)
    else
      echo $answer
    end
  end
end
complete -c btr -f -a '(__btr_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Completion of the command `kubectl-clusternet` by itself; the words come from its hidden command `__complete`. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish'): string {
  return { bash, zsh, fish }[shell];
}

const bash = `# bash completion for kubectl-clusternet: source <(kubectl-clusternet completion bash)
_kubectl_clusternet() {
  local words out line directive
  words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  out=$(kubectl-clusternet __complete "\${words[@]}" 2>/dev/null)
  directive=\${out##*:}
  COMPREPLY=()
  while IFS= read -r line; do
    [[ $line == :* || -z $line ]] && continue
    line=\${line%%$'\\t'*}
    [[ $line == "\${COMP_WORDS[COMP_CWORD]}"* ]] && COMPREPLY+=("$line")
  done <<< "$out"
  (( (directive & 2) != 0 )) && compopt -o nospace 2>/dev/null
  (( \${#COMPREPLY[@]} == 0 && (directive & 4) == 0 )) && compopt -o default 2>/dev/null
  return 0
}
complete -F _kubectl_clusternet kubectl-clusternet
`;

const zsh = `#compdef kubectl-clusternet
# zsh completion for kubectl-clusternet: source <(kubectl-clusternet completion zsh)
_kubectl_clusternet() {
  local out directive line
  local -a entries
  out=$(kubectl-clusternet __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  directive=\${out##*:}
  for line in \${(f)out}; do
    [[ $line == :* ]] && continue
    entries+=("\${\${line%%$'\\t'*}//:/\\\\:}\${\${(M)line%%*$'\\t'*}:+:\${line#*$'\\t'}}")
  done
  if (( \${#entries} )); then
    _describe 'completions' entries
  elif (( (directive & 4) == 0 )); then
    _files
  fi
}
compdef _kubectl_clusternet kubectl-clusternet
`;

const fish = `# fish completion for kubectl-clusternet: kubectl-clusternet completion fish | source
function __kubectl_clusternet
  set -l words (commandline -opc) (commandline -ct)
  kubectl-clusternet __complete $words[2..-1] 2>/dev/null | string match -v -r '^:'
end
complete -c kubectl-clusternet -f -a '(__kubectl_clusternet)'
`;

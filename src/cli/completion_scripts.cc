// See completion_scripts.h.  All three read cobra's protocol: candidates with a tab and a
// description, then ":N"; bit 2 (1 << 1) of N means no space afterwards, bit 3 (1 << 2) no files.
#include "cli/completion_scripts.h"

namespace mk8s::cli {
namespace {

constexpr std::string_view kBash =
    R"script(# bash completion for mk8s: source <(mk8s completion bash)
_mk8s() {
    local cur="${COMP_WORDS[COMP_CWORD]}" line directive=0 out
    local -a words=("${COMP_WORDS[@]:1:COMP_CWORD}") candidates=()
    COMPREPLY=()
    # bash cuts words at "=": put --flag=value together again.
    if declare -F _get_comp_words_by_ref >/dev/null; then
        local cword allwords
        _get_comp_words_by_ref -n "=:" cur
        _get_comp_words_by_ref -n "=:" -w allwords -i cword
        words=("${allwords[@]:1:cword}")
    fi
    out=$(mk8s __complete "${words[@]}" 2>/dev/null) || return
    while IFS= read -r line; do
        case "$line" in
            :*) directive="${line#:}" ;;
            *) candidates+=("${line%%$'\t'*}") ;;
        esac
    done <<<"$out"
    [[ $directive =~ ^[0-9]+$ ]] || directive=0
    for line in "${candidates[@]}"; do
        [[ -n $line && $line == "$cur"* ]] && COMPREPLY+=("$line")
    done
    if ((directive & 2)); then compopt -o nospace 2>/dev/null; fi
    if ((${#COMPREPLY[@]} == 0)) && ! ((directive & 4)); then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
    if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$cur"; fi
}
complete -F _mk8s mk8s
)script";

constexpr std::string_view kZsh = R"script(#compdef mk8s
# zsh completion for mk8s: mk8s completion zsh > "${fpath[1]}/_mk8s"
_mk8s() {
    local line directive=0 word description
    local -a candidates described plain
    candidates=("${(@f)$(mk8s __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in "${candidates[@]}"; do
        if [[ $line == :<-> ]]; then
            directive=${line#:}
        elif [[ -n $line ]]; then
            word=${line%%$'\t'*}
            if [[ $line == *$'\t'* ]]; then
                description=${line#*$'\t'}
                described+=("${word//:/\\:}:$description")
            else
                described+=("${word//:/\\:}")
            fi
        fi
    done
    if (( ${#described} )); then
        if (( directive & 2 )); then
            _describe -V mk8s described -S ''
        else
            _describe -V mk8s described
        fi
    elif ! (( directive & 4 )); then
        _files
    fi
}
if [[ ${funcstack[1]} == _mk8s ]]; then
    _mk8s "$@"
else
    compdef _mk8s mk8s
fi
)script";

constexpr std::string_view kFish =
    R"script(# fish completion for mk8s: mk8s completion fish > ~/.config/fish/completions/mk8s.fish
function __mk8s_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l directive 0
    set -l found 0
    for line in (mk8s __complete $words[2..-1] 2>/dev/null)
        if string match -qr '^:\d+$' -- $line
            set directive (string sub -s 2 -- $line)
        else if test -n "$line"
            set found 1
            echo $line
        end
    end
    if test $found -eq 0; and test (math "bitand($directive, 4)") -eq 0
        __fish_complete_path (commandline -ct)
    end
end
complete -c mk8s -f -a '(__mk8s_complete)'
)script";

}  // namespace

std::string_view CompletionScript(std::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  if (shell == "fish") return kFish;
  return {};
}

}  // namespace mk8s::cli

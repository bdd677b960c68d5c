# Completion of @NAME@ in bash. Load it with: source <(@NAME@ completions bash)

_@ID@() {
    # The words up to the cursor. Bash has divided some at characters such as `=` and `@`: those with
    # no blank between them are one.
    local rest=${COMP_LINE:0:COMP_POINT} word trimmed i
    local -a words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        trimmed=${rest#"${rest%%[![:space:]]*}"}
        word=${COMP_WORDS[i]}
        ((i == COMP_CWORD)) && word=$trimmed
        if ((i > 0)) && [[ $trimmed == "$rest" && -n $word ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        rest=${trimmed#"$word"}
    done
    local current=${words[${#words[@]} - 1]}
    # What bash will put its answer behind.
    local kept=${current%"$2"}

    # Another program of that name is asked where its path was typed.
    local program=@NAME@ line text paths=""
    [[ $1 == */* ]] && program=${1/#\~\//$HOME/}
    COMPREPLY=()
    while IFS= read -r line; do
        text=${line%%$'\t'*}
        if [[ -n $text ]]; then
            COMPREPLY+=("${text#"$kept"}")
        else
            paths=${line#$'\t'}
        fi
    done < <(command "$program" completions bash --answer -- "${words[@]:1}" 2>/dev/null)
    if [[ -n $paths ]]; then
        local kind=-f
        [[ $paths == folders ]] && kind=-d
        while IFS= read -r line; do
            # As a path of its own bash would put a backslash before the sign.
            [[ $2 == @* ]] && printf -v line '@%q' "$line"
            COMPREPLY+=("$line")
        done < <(compgen "$kind" -- "${2#@}")
        [[ $2 == @* ]] || compopt -o filenames 2>/dev/null
    fi
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

if ((BASH_VERSINFO[0] > 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4))); then
    complete -o nosort -F _@ID@ @NAME@
else
    complete -F _@ID@ @NAME@
fi

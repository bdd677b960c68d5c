#compdef @NAME@
# Completion of @NAME@ in zsh. Load it with: source <(@NAME@ completions zsh)
# or put it into a folder of $fpath, as the file _@NAME@.

_@ID@() {
    local -a before described joined
    local line text help paths="" program=@NAME@
    # Another program of that name is asked where its path was typed.
    [[ $words[1] == */* ]] && program=${~${(Q)words[1]}}
    before=("${(@Q)words[2,CURRENT-1]}")
    while IFS= read -r line; do
        text=${line%%$'\t'*}
        help=${line#*$'\t'}
        if [[ -z $text ]]; then
            paths=$help
        elif [[ $text == *= ]]; then
            joined+=("$text")
        else
            # A colon divides a word from what is said of it.
            described+=("${text//:/\\:}${help:+:$help}")
        fi
    done < <(command $program completions zsh --answer -- "${before[@]}" "${(Q)PREFIX}" 2>/dev/null)
    local found=1
    if ((${#described})); then
        _describe -V '@NAME@' described && found=0
    fi
    if ((${#joined})); then
        compadd -S '' -a joined && found=0
    fi
    if [[ -n $paths ]]; then
        if [[ $PREFIX == --*=* ]]; then
            compset -P '*='
        elif [[ $PREFIX == @* ]]; then
            compset -P '@'
        fi
        if [[ $paths == folders ]]; then
            _files -/ && found=0
        else
            _files && found=0
        fi
    fi
    return found
}

# Loaded by the completion system as a function, or by hand.
if [[ $funcstack[1] == _@NAME@ ]]; then
    _@ID@ "$@"
else
    compdef _@ID@ @NAME@
fi

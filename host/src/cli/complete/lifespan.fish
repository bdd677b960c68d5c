# Completion of @NAME@ in fish. Load it with: @NAME@ completions fish | source

function __@ID@_complete
    set -l before (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l lines (command @NAME@ completions fish --answer -- $before[2..-1] "$current" 2>/dev/null)
    for line in $lines
        switch $line
            case \tfiles \tfolders
                set -l kept (string match --regex -- '^(?:--[^=]*=|@)' "$current")
                set -l path (string replace --regex -- '^(?:--[^=]*=|@)' '' "$current")
                if string match --quiet -- \tfolders $line
                    for found in (__fish_complete_directories "$path")
                        printf '%s\n' "$kept$found"
                    end
                else
                    for found in (__fish_complete_path "$path")
                        printf '%s\n' "$kept$found"
                    end
                end
            case '*'
                printf '%s\n' $line
        end
    end
end

complete --command @NAME@ --no-files --keep-order --arguments '(__@ID@_complete)'

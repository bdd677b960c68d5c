# Completion of @NAME@ in PowerShell. Load it with:
# @NAME@ completions powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName '@NAME@' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $before = @($commandAst.CommandElements |
        Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { $_.Extent.Text })
    # A joiner instead of an empty argument, which older versions drop.
    $lines = & @NAME@ completions powershell --answer -- @before "+$wordToComplete" 2>$null
    foreach ($line in $lines) {
        $text, $help = $line -split "`t", 2
        if ($text) {
            if (-not $help) { $help = $text }
            [System.Management.Automation.CompletionResult]::new(
                $text, $text, 'ParameterValue', $help)
            continue
        }
        $kept = if ($wordToComplete -match '^(--[^=]*=|@)') { $Matches[0] } else { '' }
        $path = $wordToComplete.Substring($kept.Length)
        foreach ($found in [System.Management.Automation.CompletionCompleters]::CompleteFilename($path)) {
            if ($help -eq 'folders' -and $found.ResultType -ne 'ProviderContainer') { continue }
            [System.Management.Automation.CompletionResult]::new(
                "$kept$($found.CompletionText)", $found.ListItemText, $found.ResultType, $found.ToolTip)
        }
    }
}

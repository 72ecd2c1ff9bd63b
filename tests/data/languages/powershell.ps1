Write-Output "hello from powershell"
Write-Output "args: $args"
Write-Output "in: $([Console]::In.ReadLine())"
exit 3

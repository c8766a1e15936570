# What azd runs after the code is deployed: the alert that asks for a run, where one is wanted.
# The key stands in a file of this user's own folder, and in no argument of a command.
$ErrorActionPreference = "Stop"
$PSNativeCommandUseErrorActionPreference = $true

if (-not $env:ALERT_WORKSPACE_ID) {
    Write-Output "ALERT_WORKSPACE_ID is not set, so no alert asks for a run; the timer does."
    exit 0
}
foreach ($name in "AZURE_SUBSCRIPTION_ID", "resourceGroupName", "appName") {
    if (-not [Environment]::GetEnvironmentVariable($name)) {
        throw "$name is not set; azd sets it from the outputs of infra/main.bicep"
    }
}

$parameters = New-TemporaryFile
try {
    $key = az functionapp function keys list --subscription $env:AZURE_SUBSCRIPTION_ID `
        --resource-group $env:resourceGroupName --name $env:appName --function-name detect_now `
        --query default --output tsv
    $hostName = az functionapp show --subscription $env:AZURE_SUBSCRIPTION_ID `
        --resource-group $env:resourceGroupName --name $env:appName `
        --query "defaultHostName || properties.defaultHostName" --output tsv
    $location = az resource show --ids $env:ALERT_WORKSPACE_ID --query location --output tsv
    @{
        '$schema' = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"
        contentVersion = "1.0.0.0"
        parameters = @{
            workspaceId = @{ value = $env:ALERT_WORKSPACE_ID }
            detectUrl = @{ value = "https://$hostName/api/detect" }
            detectKey = @{ value = $key }
            location = @{ value = $location }
        }
    } | ConvertTo-Json -Depth 4 | Set-Content -Path $parameters -Encoding utf8NoBOM
    az deployment group create --subscription $env:AZURE_SUBSCRIPTION_ID `
        --resource-group $env:resourceGroupName --name detector-alert `
        --template-file infra/alert.bicep --parameters "@$parameters" --output none
    Write-Output "An alert on the rows of gateways asks $($env:appName) for a run."
}
finally {
    Remove-Item $parameters
}

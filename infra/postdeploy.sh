#!/bin/sh
# What azd runs after the code is deployed: the alert that asks for a run, where one is wanted.
# The key stands in a file that only this user reads, and in no argument of a command.
set -eu
umask 077

if [ -z "${ALERT_WORKSPACE_ID:-}" ]; then
    echo "ALERT_WORKSPACE_ID is not set, so no alert asks for a run; the timer does."
    exit 0
fi

subscription=${AZURE_SUBSCRIPTION_ID:?azd sets it}
group=${resourceGroupName:?azd sets it from the outputs of infra/main.bicep}
app=${appName:?azd sets it from the outputs of infra/main.bicep}

parameters=$(mktemp)
trap 'rm -f "$parameters"' EXIT
key=$(az functionapp function keys list --subscription "$subscription" --resource-group "$group" \
    --name "$app" --function-name detect_now --query default --output tsv)
host=$(az functionapp show --subscription "$subscription" --resource-group "$group" \
    --name "$app" --query "defaultHostName || properties.defaultHostName" --output tsv)
location=$(az resource show --ids "$ALERT_WORKSPACE_ID" --query location --output tsv)
cat >"$parameters" <<END
{
  "\$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "workspaceId": { "value": "$ALERT_WORKSPACE_ID" },
    "detectUrl": { "value": "https://$host/api/detect" },
    "detectKey": { "value": "$key" },
    "location": { "value": "$location" }
  }
}
END
az deployment group create --subscription "$subscription" --resource-group "$group" \
    --name detector-alert --template-file infra/alert.bicep --parameters "@$parameters" \
    --output none
echo "An alert on the rows of gateways asks $app for a run."

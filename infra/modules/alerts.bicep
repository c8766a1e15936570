// Three rules by which silence means something, and whom they tell.
param location string
param tags object
param componentName string
@description('An e-mail address, or the ARM id of an action group.')
param alertTo string
param alertEvery string
param runEveryMinutes int

// Windows as long as a rule may have: three periods of the schedule, and at least six.
var windows = {
  '5': { silent: 'PT15M', failing: 'PT30M' }
  '10': { silent: 'PT30M', failing: 'PT1H' }
  '15': { silent: 'PT45M', failing: 'PT2H' }
  '20': { silent: 'PT1H', failing: 'PT2H' }
  '60': { silent: 'PT3H', failing: 'PT6H' }
}
var window = windows[string(runEveryMinutes)]
var isGroup = startsWith(alertTo, '/')

var rules = [
  {
    name: 'detector-silent'
    title: 'The gateway failover detector is silent'
    description: 'No run read every scope in full for three periods of its schedule. Failovers may have happened that nobody was told of.'
    severity: 1
    query: loadTextContent('../queries/complete-runs.kql')
    window: window.silent
    operator: 'LessThan'
    threshold: 1
  }
  {
    name: 'detector-failing'
    title: 'The gateway failover detector fails'
    description: 'Three runs or more ended red. The line of each run says which part failed, and why.'
    severity: 2
    query: loadTextContent('../queries/failed-runs.kql')
    window: window.failing
    operator: 'GreaterThanOrEqual'
    threshold: 3
  }
  {
    name: 'detector-delivery-given-up'
    title: 'The gateway failover detector gave up a delivery'
    description: 'A sink was not told of a failover and will not be. The line of each run says which sink, and why.'
    severity: 2
    query: loadTextContent('../queries/given-up.kql')
    window: window.failing
    operator: 'GreaterThanOrEqual'
    threshold: 1
  }
]

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = if (!isGroup) {
  name: 'ag-gateway-failover-detector'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'gw-failover'
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: alertTo
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alertRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: rule.name
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.title
      description: rule.description
      severity: rule.severity
      enabled: true
      autoMitigate: true
      // Its tables hold nothing yet when the rule is made.
      skipQueryValidation: true
      scopes: [
        component.id
      ]
      evaluationFrequency: alertEvery
      windowSize: rule.window
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: rule.operator
            threshold: rule.threshold
            failingPeriods: {
              minFailingPeriodsToAlert: 1
              numberOfEvaluationPeriods: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [
          isGroup ? alertTo : actionGroup.id
        ]
      }
    }
  }
]

resource lock 'Microsoft.Authorization/locks@2020-05-01' = {
  name: 'keep-restore-points'
  properties: {
    level: 'CanNotDelete'
    notes: 'Nobody deletes our backups'
  }
}

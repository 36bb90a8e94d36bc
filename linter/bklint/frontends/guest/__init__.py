"""What runs or is configured inside machines → guest/* resources in worlds.

`worlds.attach` adds them to a world that a front-end has made and `finish` completed: custom data, extensions, run
commands, with the machine as parent. `worlds.roots` makes a world of each loose file. Nothing is ever run.

The resource types are `guest/` and: serviceChanges, networkInterfaces, firewallRules, firewallDefaults,
firewallFlushes, routes, registryValues, aclChanges, packageChanges, fileRemovals, agentSources, agentSettings, mounts,
proxySettings, bitLockerActions, applicationControlRules, selinux, sqlBackups, imageSteps. Every one has in its
properties `conditional` (it happens only under a condition), `system` (windows, linux or empty) and, in a machine,
`carrier` (what brings it there).
"""

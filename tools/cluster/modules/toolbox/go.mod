module downpour.dev/tools/cluster/toolbox

go 1.24.0

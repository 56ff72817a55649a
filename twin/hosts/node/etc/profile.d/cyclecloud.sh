export CYCLECLOUD_HOME=/opt/cycle/jetpack
PATH=$PATH:/opt/cycle/jetpack/bin

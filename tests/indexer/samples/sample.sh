#!/bin/bash
# Says hello.
hello() {
  local name=$1
  echo "hi $name"
  helper "$name" | grep -q x && run_it
}
function other { hello world; }
MAX=10
readonly LIMIT=3
export PATH_X=1 b=2
declare -A table
alias ll='ls -l'
. lib.sh
source ./util.sh
if true; then IN_IF=1; fi
alias ll='ls -l'
if true; then inner=1; fi
PREFIX=1 make
. "$DIR/more.sh"
trap clean EXIT

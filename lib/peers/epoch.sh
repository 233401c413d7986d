#!/bin/bash
# epoch.sh BASE TYPE OFFSET: snmpd's pass_persist handler for the UTC time at BASE.0, as
# TYPE, OFFSET microseconds wrong. One process that lives as long as snmpd: a handler that
# is forked for each query is cached by snmpd and up to 30 s stale.
LC_ALL=C
base=$1 type=$2 offset=$3
while read -r verb; do
	case $verb in
	PING)
		echo PONG
		continue
		;;
	get)
		read -r oid
		[ "$oid" = "$base.0" ] || verb=none
		;;
	getnext)
		read -r oid
		[ "$oid" = "$base" ] || verb=none
		;;
	set)
		read -r _
		read -r _
		echo not-writable
		continue
		;;
	*) verb=none ;;
	esac
	if [ "$verb" = none ]; then
		echo NONE
		continue
	fi
	now=$((${EPOCHREALTIME/./} + offset))
	if [ "$type" = string ]; then
		printf '%s.0\nstring\n%d.%06d\n' "$base" $((now / 1000000)) $((now % 1000000))
	else
		printf '%s.0\n%s\n%d\n' "$base" "$type" $((now / 1000000))
	fi
done

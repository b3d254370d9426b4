# worse.awk reads benchstat's CSV, prints what is more than limit percent worse
# beyond doubt, and fails if anything is. Time and allocations count; of bytes a
# few more or less are the runtime's own.
$1 == "" { unit = $2; next }
unit !~ /\/op$/ || $1 == "geomean" { next }
unit == "B/op" && $4 - $2 < 64 { next }
$6 == "?" && $4 > $2 || $6 ~ /^\+/ && $6 + 0 > limit {
	printf "%s: %s %s, from %s to %s (%s)\n", $1, $6, unit, $2, $4, $7
	worse = 1
}
END { exit worse }

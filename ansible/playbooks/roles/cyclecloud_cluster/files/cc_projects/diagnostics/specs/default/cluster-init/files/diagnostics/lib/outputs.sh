# shellcheck shell=bash
# Reads the outputs of bandwidth programs. Each function reads standard input. Sourced, not run.

# largest_busbw: of nccl-tests or rccl-tests, "BYTES GB/S" of the largest message, out of place. Lines may carry a tag of
# mpirun or srun in front; old versions have no column root.
largest_busbw() {
  awk '
    /(^|[[:space:]])root([[:space:]]|$)/ { root = 1 }
    {
      for (i = 2; i < NF; i++) if ($i ~ /^(sum|prod|max|min|avg|none)$/) break
      if (i >= NF || $(i - 2) !~ /^[0-9]+$/ || $(i - 3) !~ /^[0-9]+$/) next
      column = i + (root || NF - i > 8 ? 4 : 3)
      if ($(i - 3) + 0 >= size + 0) { size = $(i - 3); busbw = $column }
    }
    END { if (size == "") exit 1; print size, busbw }'
}

# largest_ib_bandwidth: of ib_write_bw --report_gbits, Gb/s on average of the largest message.
largest_ib_bandwidth() {
  awk '
    /BW average\[/ { gbits = /BW average\[Gb\/sec\]/ }
    gbits && NF >= 5 && $1 ~ /^[0-9]+$/ && $4 ~ /^[0-9.]+$/ && $1 + 0 >= size + 0 { size = $1; bandwidth = $4 }
    END { if (size == "") exit 1; print bandwidth }'
}

# copy_bandwidths TEST: of nvbandwidth, a line "ROW COLUMN GB/S" for each pair of one test that was measured.
copy_bandwidths() {
  awk -v test="$1" '
    /^Running / { wanted = $2 == test "."; next }
    wanted && $1 ~ /^[0-9]+$/ && $2 ~ /^(N\/A|[0-9]+\.[0-9]+)$/ {
      for (i = 2; i <= NF; i++) if ($i != "N/A" && $i + 0 != 0) { print $1, i - 2, $i; found = 1 }
    }
    END { exit !found }'
}

# columns NAME...: of a comma-separated table whose first line names its columns, those named, one line a row.
columns() {
  awk -F ', *' -v names="$*" '
    BEGIN { count = split(names, wanted, " ") }
    NR == 1 { for (i = 1; i <= NF; i++) { sub(/ \[.*/, "", $i); at[$i] = i } next }
    {
      for (i = 1; i <= count; i++) printf "%s%s", (wanted[i] in at ? $(at[wanted[i]]) : "?"), (i < count ? "\t" : "\n")
    }'
}

# To be sourced at the top of the checkout: ends the script when the programs that it tests are not built.
for program in writ writd; do
  if [ ! -x "build/release/bin/$program" ]; then
    echo "build/release/bin/$program is missing: run script/build release writ writd" >&2
    exit 1
  fi
done

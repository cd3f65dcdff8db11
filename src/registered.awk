# registered.c, the table of the built-in types, from lines FILE:ENGD_REGISTER_KIND("name", function[, features]); of all sources.
#
# Each line becomes a prototype, which is what the macro means, and an entry of the table; lines of another form and names
# that come twice are refused. The constructors of C would do the same at run time, but the linker leaves out objects of an
# archive that nothing refers to.

function refuse(why) {
  print line ": " why > "/dev/stderr"
  refused = 1
  exit 1
}

BEGIN { print "/* Made by the makefile from the lines ENGD_REGISTER_...(); of the sources */\n#include <engd/private.h>\n" }

{
  line = $0
  sub(/^[^:]*:/, "")
  if ($0 !~ /^ENGD_REGISTER_[A-Z]+\("[a-z0-9_]+", [A-Za-z0-9_]+(, [A-Z0-9_| ]+)?\);$/)
    refuse("ENGD_REGISTER_KIND(\"name\", function); on a line of its own is what the makefile can read")
  print
  split($0, part, /[(),;]+ */)
  kind = tolower(substr(part[1], length("ENGD_REGISTER_") + 1))
  if ((kind, part[2]) in seen) refuse("another file registers this name")
  seen[kind, part[2]] = 1
  entry[++n] = "  {\"" kind "\", " part[2] ", (EngdRegistryFn)" part[3] ", " (part[4] == "" ? 0 : part[4]) "},"
}

END {
  if (refused) exit 1
  print "\nconst EngdRegistered engd_registered[] = {"
  for (k = 1; k <= n; k++) print entry[k]
  print "  {NULL, NULL, NULL, 0},\n};"
}

# cmake -DPARTS=... -DOUTPUT=Page.cpp -P EmbedPage.cmake: puts style and scripts into page.html, and that into a source
# file, with what its headers say of it. PARTS: page.html, page.css, then the scripts in their order.

list(POP_FRONT PARTS html_file style_file)
file(READ "${html_file}" html)
file(READ "${style_file}" style)
set(script "")
foreach(part IN LISTS PARTS)
  file(READ "${part}" text)
  string(APPEND script "${text}")
endforeach()

# The SHA-256 of a text in base64, as Content-Security-Policy wants it: three digits of the hash are two of base64.
function(hash_in_base64 text result)
  set(digits "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  string(SHA256 hash "${text}")
  string(APPEND hash "00")
  set(encoded "")
  foreach(begin RANGE 0 63 3)
    string(SUBSTRING "${hash}" ${begin} 3 three)
    math(EXPR high "0x${three} >> 6")
    math(EXPR low "0x${three} & 63")
    string(SUBSTRING "${digits}" ${high} 1 first)
    string(SUBSTRING "${digits}" ${low} 1 second)
    string(APPEND encoded "${first}${second}")
  endforeach()
  string(SUBSTRING "${encoded}" 0 43 encoded) # of 32 bytes; the last digit is padding
  set(${result} "${encoded}=" PARENT_SCOPE)
endfunction()

hash_in_base64("${style}" style_hash)
hash_in_base64("${script}" script_hash)
string(REPLACE "@STYLE@" "${style}" html "${html}")
string(REPLACE "@SCRIPT@" "${script}" html "${html}")
string(SHA256 tag "${html}")
string(SUBSTRING "${tag}" 0 16 tag)

file(WRITE "${OUTPUT}" "// Made by EmbedPage.cmake of the files in page/.
#include \"tools/serve/Page.h\"

const strata::serve::Page strata::serve::kPage = {R\"page(${html})page\",
  \"\\\"${tag}\\\"\",
  \"default-src 'none'; style-src 'sha256-${style_hash}'; script-src 'sha256-${script_hash}'; \"
  \"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\"};
")

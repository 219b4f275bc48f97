//===- Page.h - the page for people -----------------------------*- C++ -*-===//
#pragma once

#include <string_view>

namespace strata::serve {

/// One HTML file with its style and its script; EmbedPage.cmake makes it of the files in page/.
struct Page {
  std::string_view html;
  std::string_view tag;    // its ETag, a hash
  std::string_view policy; // Content-Security-Policy: its own style and script by their hashes,
                           // this server to ask, and nothing else
};

extern const Page kPage;

} // namespace strata::serve

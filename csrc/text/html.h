// The HTML view: a foldable tree as one self-contained fragment (spec 06, sections 9 and 10).
#pragma once

#include <string>

#include "text/color.h"
#include "text/print_options.h"

namespace pycircuit {

struct HtmlOptions {
  bool shape_only_when_necessary = true;
  MaybeMatcher traversal = new_traversal({std::nullopt, 3});  // nothing: everything is open at the start
  bool display_copy_button = true;
  HtmlColorer colorer = html_type_color;
  std::string primary_color = "lightgray";
  bool number_leaves = false;
  bool keep_all_cells = true;
  MaybeMatcher overall_traversal = IterativeMatcher(false);  // nothing: every node is contained
  bool comment_arg_names = false;
  std::vector<Commenter> commenters;
};

// "'x' Add": the text of a row, without comments.
std::string html_row_text(const HtmlOptions& options, const NodePtr& node);
std::string html_fragment(const HtmlOptions& options, const NodePtrs& roots);

}  // namespace pycircuit

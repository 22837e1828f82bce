"""Tests of text: parser, printing, differences, HTML."""

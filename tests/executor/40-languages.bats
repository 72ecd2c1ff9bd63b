# shellcheck disable=SC2154  # bats sets stderr
load sandbox

# Every language whose programs this machine has runs for real: its program
# says hello, prints its arguments, reads a line, and exits with 3.

data=$BATS_TEST_DIRNAME/../data/languages

# language: what must be there, alternatives with '|', all of them with '+'
needs='
awk:gawk|mawk|awk bash:bash c:cc|gcc|clang|tcc clojure:clojure|bb cobol:cobc
commonlisp:sbcl|clisp cpp:g++|clang++ crystal:crystal csharp:mcs+mono
d:ldc2|dmd|gdc dart:dart deno:deno dotnet:dotnet-script elixir:elixir
erlang:escript forth:gforth fortran:gfortran fsharp:dotnet go:go groovy:groovy
haskell:runghc java:javac javascript:node julia:julia kotlin:kotlinc+java
lua:lua|lua5.4|lua5.3 nim:nim objc:objc ocaml:ocaml perl:perl php:php
powershell:pwsh prolog:swipl python:python3 r:Rscript racket:racket raku:raku
ruby:ruby rust:rustc scala:scala|scala-cli scheme:guile swift:swiftc tcl:tclsh
typescript:tsx|ts-node|deno|bun|strip-types v:v zig:zig
'

# have <program>: is it there, and new enough
have() {
	case $1 in
	objc) [[ -x $(gcc -print-prog-name=cc1obj 2>&1) ]] ;;
	strip-types) node --experimental-strip-types -e 0 2>&1 ;;
	*) PATH=/usr/local/bin:/usr/bin:/bin command -v "$1" ;;
	esac >/dev/null
}

# available <needs>
available() {
	local way program all

	for way in ${1//|/ }; do
		all=yes
		for program in ${way//+/ }; do
			have "$program" || all=
		done
		[[ -z $all ]] || return 0
	done
	return 1
}

# says_hello <language> <faas arguments>...
says_hello() {
	local lang=$1

	faas 3 execute "${@:2}" a 'b c' <<<$'one line\ntwo'
	same "$output" "hello from $lang"$'\nargs: a b c\nin: one line' "$lang"
}

@test "execute: runs a file of every language this machine has" {
	local row lang ran=0

	for row in $needs; do
		lang=${row%%:*}
		available "${row#*:}" || continue
		echo "# $lang"
		says_hello "$lang" -l "$lang" "$data/$lang".*
		ran=$((ran + 1))
	done
	((ran >= 3)) || die "only $ran languages ran"
}

@test "execute: every language has a program, and every program a language" {
	local row file

	for row in $needs; do
		[[ -f $(echo "$data/${row%%:*}".*) ]] || die "no program for ${row%%:*}"
	done
	for file in "$data"/*; do
		file=${file##*/}
		has "$needs" "${file%.*}:" "languages of this test"
	done
}

@test "execute: knows the language by the file's extension" {
	says_hello bash "$data/bash.sh"
	says_hello perl "$data/perl.pl"
}

@test "execute: knows the language by the shebang" {
	{ echo '#!/usr/bin/env -S perl -w'; cat "$data/perl.pl"; } >program
	says_hello perl ./program
}

@test "execute: an unknown language is named, with the nearest one" {
	faas 125 execute -l pyhton "$data/python.py"
	has "$stderr" "pyhton" "message"
	has "$stderr" "python" "suggestion"
}

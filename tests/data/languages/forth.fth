: words-given ( -- )
  begin next-arg dup while space type repeat 2drop ;

create line 256 allot

." hello from forth" cr
." args:" words-given cr
." in: " line 256 stdin read-line throw drop line swap type cr
3 (bye)

program hello
  implicit none
  character(len=256) :: word
  integer :: i

  print '(a)', 'hello from fortran'
  write (*, '(a)', advance='no') 'args:'
  do i = 1, command_argument_count()
    call get_command_argument(i, word)
    write (*, '(a)', advance='no') ' ' // trim(word)
  end do
  read (*, '(a)') word
  print '(/, a)', 'in: ' // trim(word)
  call exit(3)
end program hello

(defun words ()
  #+sbcl (rest sb-ext:*posix-argv*)
  #+clisp ext:*args*
  #-(or sbcl clisp) nil)

(defun leave (status)
  (finish-output)
  #+sbcl (sb-ext:exit :code status :abort t)
  #+clisp (ext:exit status)
  #-(or sbcl clisp) status)

(format t "hello from commonlisp~%")
(format t "args:~{ ~a~}~%" (words))
(format t "in: ~a~%" (read-line))
(leave 3)

let () =
  let args = List.tl (Array.to_list Sys.argv) in
  print_endline "hello from ocaml";
  print_endline ("args: " ^ String.concat " " args);
  print_endline ("in: " ^ input_line stdin);
  exit 3

import 'dart:io';

void main(List<String> args) {
  print('hello from dart');
  print('args: ' + args.join(' '));
  print('in: ' + (stdin.readLineSync() ?? ''));
  exitCode = 3;
}

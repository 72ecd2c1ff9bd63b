import System.Environment
import System.Exit

main :: IO ()
main = do
  args <- getArgs
  line <- getLine
  putStrLn "hello from haskell"
  putStrLn ("args: " ++ unwords args)
  putStrLn ("in: " ++ line)
  exitWith (ExitFailure 3)

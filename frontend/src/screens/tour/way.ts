import { useLocation, useNavigate } from "react-router";

/** To the tour, and back to this page when it ends. */
export function useTour(): () => void {
  const navigate = useNavigate();
  const { pathname } = useLocation();
  return () => void navigate("/tour", { state: { from: pathname } });
}
